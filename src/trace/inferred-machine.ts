// A machine for a trace that comes without dumps: one region per name that the trace uses, at the addresses that it used.
//
//   trace    M febf8014 nvme, M febfa000 msix-table, M febf9004 nvme          pages of 4 KiB, each to the name that touched it most
//   machine  febf8000..febf9fff nvme | febfa000..febfafff msix-table
//   ports    go byte by byte: 3f8..3fe serial

import type { Engine } from '../core/index.ts';
import { ACCESS_PORT } from './access-trace.ts';
import type { AccessBlock } from './access-trace.ts';
import { Machine } from './machine.ts';
import type { BusName } from './machine.ts';

const GRAIN: Readonly<Record<BusName, bigint>> = { memory: 4096n, ports: 1n };
const LAST = 0xffff_ffff_ffff_ffffn;

/** Collects what a trace touches, block by block, then builds the machine. */
export class InferredMachine {
  // Grain number -> name -> accesses.
  private readonly touched: Record<BusName, Map<bigint, Map<string, number>>> = { memory: new Map(), ports: new Map() };

  /** Notes the accesses of a block. */
  add(block: AccessBlock): void {
    for (let i = 0; i < block.length; i++) {
      const bus: BusName = block.space[i] === ACCESS_PORT ? 'ports' : 'memory';
      const first = (BigInt(block.addressHigh[i]!) << 32n) | BigInt(block.addressLow[i]!);
      const last = first + BigInt(block.size[i]!) - 1n;
      const name = block.names[block.region[i]!]!;
      for (let grain = first / GRAIN[bus]; grain <= last / GRAIN[bus]; grain++) {
        let names = this.touched[bus].get(grain);
        if (names === undefined) this.touched[bus].set(grain, (names = new Map<string, number>()));
        names.set(name, (names.get(name) ?? 0) + 1);
      }
    }
  }

  /** The machine: a demand region for each run of grains with one name. VfioError ENOMEM when the core is full. */
  build(engine: Engine): Machine {
    const machine = new Machine(engine);
    try {
      this.fill(machine);
    } catch (error) {
      machine.destroy();
      throw error;
    }
    return machine;
  }

  private fill(machine: Machine): void {
    for (const bus of ['memory', 'ports'] as const) {
      const owners = [...this.touched[bus]].map(([grain, names]) => ({ grain, name: [...names].sort((a, b) => b[1] - a[1])[0]![0] }));
      owners.sort((a, b) => (a.grain < b.grain ? -1 : 1));
      let run: { first: bigint; last: bigint; name: string } | undefined;
      const finish = (): void => {
        if (run === undefined) return;
        const start = run.first * GRAIN[bus];
        const end = (run.last + 1n) * GRAIN[bus] - 1n;
        const size = (end > LAST ? LAST : end) - start + 1n;
        machine.addPlatform(bus, run.name, start, machine.engine.region({ kind: 'demand', size, name: run.name }));
      };
      for (const { grain, name } of owners) {
        if (run?.name === name && run.last + 1n === grain) {
          run.last = grain;
        } else {
          finish();
          run = { first: grain, last: grain, name };
        }
      }
      finish();
    }
  }
}
