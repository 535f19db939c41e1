// Chooses a step: a call of a process, a transfer of a device, and now and then a call between the beginning of a transfer and its landing.

import type { Random } from '../random.ts';
import { containerCall } from './container-operations.ts';
import { idOf, iommufdCall } from './iommufd-operations.ts';
import type { Calls, Operation, Place } from './operation.ts';
import { transferOf } from './pools.ts';
import type { Scene } from './pools.ts';
import { BLOCKS } from './twin.ts';

function placeIn(random: Random, block: number, length: number): Place {
  return { block, at: random.below(Math.min(BLOCKS[block]!, 8) * 4096 - length) };
}

function memoryStep(random: Random, by: number): Calls {
  const block = 1 + random.below(5);
  const kind = random.below(8);
  if (kind === 0) return { kind: 'mmap', by, block };
  if (kind === 1) {
    const page = random.below(Math.min(BLOCKS[block]!, 8));
    return { kind: 'munmap', by, block, page, pages: 1 + random.below(BLOCKS[block]! - page) };
  }
  const length = 1 + random.below(random.once(4) ? 5000 : 40);
  return { kind: 'store', by, to: placeIn(random, block, length), length, seed: random.below(256) };
}

/** Groups join and leave, devices are attached and detached. */
function attachment(random: Random, scene: Scene, device: number): Calls {
  const { by } = scene.stage.devices[device]!;
  if (scene.stage.processes[by]!.file === 'container') return { kind: random.once(scene.stage.devices[device]!.joins ? 6 : 2) ? 'leave' : 'join', device };
  if (random.once(8)) return { kind: 'detach', device };
  return { kind: 'attach', device, id: idOf({ random, scene, by }, random.pick(['ioas', 'ioas', 'table', 'device'] as const)) };
}

export function callOf(random: Random, scene: Scene): Calls {
  const by = random.below(scene.stage.processes.length);
  const kind = random.below(24);
  if (kind < 2) return memoryStep(random, by);
  if (kind === 2) return attachment(random, scene, random.below(scene.stage.devices.length));
  const call = scene.stage.processes[by]!.file === 'container' ? containerCall(random, scene, by) : iommufdCall(random, scene, by);
  return random.once(8) ? { ...call, caller: 1 - by } : call;
}

export function operationOf(random: Random, scene: Scene): Operation {
  if (!random.once(3)) return callOf(random, scene);
  const device = random.below(scene.stage.devices.length);
  const [iova, length] = transferOf(random, scene.ranges(scene.stage.devices[device]!.by));
  const meanwhile = random.once(4) ? callOf(random, scene) : undefined;
  return { kind: 'dma', device, access: random.once(2) ? 'read' : 'write', iova, length, seed: random.below(256), ...(meanwhile !== undefined && { meanwhile }) };
}
