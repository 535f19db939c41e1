// A whole machine as bytes: what v86 saves, and the state of each card, which v86 does not know.
//
//   "MBDM" | length of the list | list: JSON, cards by slot with their lengths | v86's state | cards' states in the order of the list | CRC-32 of all before
//
// All of it is checked before anything changes, so that a machine goes on unharmed when a state is refused.

import { crc32 } from 'maplebar/pci';
import { restoreState } from 'maplebar/v86';
import type { AnyMachine, Plugged } from '../cards/card.ts';

const MAGIC = 0x4d44_424d;

interface SavedList {
  readonly machine: string;
  readonly bytes: number;
  readonly cards: readonly { readonly key: string; readonly slot: string; readonly bytes: number }[];
}

async function joined(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

function dword(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Saves machine and cards. Throws what a card says that cannot be saved, with its name. */
export async function saveMachine(machine: AnyMachine, plugged: readonly Plugged[]): Promise<Uint8Array> {
  const cards = plugged.map(({ kind, card }) => {
    try {
      return { key: kind.key, slot: card.slot, state: card.save() };
    } catch (error) {
      throw new Error(`${kind.title}: ${(error as Error).message}`, { cause: error });
    }
  });
  const state = new Uint8Array(await machine.emulator.save_state());
  const list: SavedList = { machine: machine.title, bytes: state.length, cards: cards.map(({ key, slot, state: { length } }) => ({ key, slot, bytes: length })) };
  const text = new TextEncoder().encode(JSON.stringify(list));
  const body = await joined([dword(MAGIC), dword(text.length), text, state, ...cards.map((card) => card.state)]);
  return joined([body, dword(crc32(body))]);
}

function listOf(saved: Uint8Array): { readonly list: SavedList; readonly at: number } {
  const view = new DataView(saved.buffer, saved.byteOffset, saved.byteLength);
  if (saved.length < 12 || view.getUint32(0, true) !== MAGIC) throw new Error('this is no saved machine of this page');
  const end = saved.length - 4;
  const [sum, found] = [view.getUint32(end, true), crc32(saved.subarray(0, end))];
  if (sum !== found) throw new Error(`the state is corrupt: its checksum is 0x${sum.toString(16)}, and 0x${found.toString(16)} of its bytes`);
  const length = view.getUint32(4, true);
  const list = JSON.parse(new TextDecoder().decode(saved.subarray(8, 8 + length))) as SavedList;
  return { list, at: 8 + length };
}

/** Makes the machine what was saved. Error for what is no state of it and its cards; nothing has changed then. */
export async function restoreMachine(machine: AnyMachine, plugged: readonly Plugged[], saved: Uint8Array): Promise<void> {
  const { list, at } = listOf(saved);
  if (list.machine !== machine.title) throw new Error(`the state is of "${list.machine}"; this machine is "${machine.title}"`);
  const [wanted, here] = [list.cards, plugged.map(({ kind, card }) => ({ key: kind.key, slot: card.slot }))].map((cards) => cards.map(({ key, slot }) => `${key} at ${slot}`).sort().join(', ') || 'no card');
  if (wanted !== here) throw new Error(`the state has ${wanted}; plugged in now: ${here}`);
  const was = await machine.emulator.save_state();
  const before = plugged.map(({ card }) => card.save());
  let from = at + list.bytes;
  const states = list.cards.map(({ slot, bytes }) => ({ card: plugged.find(({ card }) => card.slot === slot)!.card, state: saved.subarray(from, (from += bytes)) }));
  const isRunning = machine.emulator.is_running();
  if (isRunning) await machine.emulator.stop();
  try {
    await restoreState(machine.emulator, saved.slice(at, at + list.bytes).buffer);
    for (const { card, state } of states) card.load(state);
  } catch (error) {
    await restoreState(machine.emulator, was);
    plugged.forEach(({ card }, i) => card.load(before[i]!));
    throw error;
  } finally {
    if (isRunning) await machine.emulator.run();
  }
}
