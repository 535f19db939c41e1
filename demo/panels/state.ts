// Save and restore, and a deliberate mistake: a state with one wrong byte.

import { button, bytesText, el, panel } from '../dom.ts';

/** What the panel's buttons do. */
export interface StateActions {
  readonly save: () => Promise<Uint8Array>;
  readonly restore: (saved: Uint8Array) => Promise<void>;
}

/** Makes the panel. */
export function statePanel({ save, restore }: StateActions): HTMLElement {
  let saved: Uint8Array | undefined;
  const told = el('p', { role: 'status', id: 'state-told' }, 'Nothing saved yet');
  const act = (what: () => Promise<string>) => (): void => {
    what().then((text) => {
      told.textContent = text;
      told.className = '';
    }, (error: unknown) => {
      told.textContent = `Refused: ${(error as Error).message}. The machine goes on as it was.`;
      told.className = 'bad';
    }).finally(() => {
      for (const one of [restoreButton, corruptButton]) one.disabled = saved === undefined;
    });
  };
  const needed = (): Uint8Array => {
    if (saved === undefined) throw new Error('nothing is saved');
    return saved;
  };
  const restoreButton = button('Restore', act(async () => {
    await restore(needed());
    return 'Restored';
  }), { id: 'state-restore', disabled: true });
  const corruptButton = button('Restore a corrupt one', act(async () => {
    const broken = needed().slice();
    broken[broken.length >> 1]! ^= 0x10;
    await restore(broken);
    return 'Restored, although a byte was wrong';
  }), { id: 'state-corrupt', disabled: true });
  return panel('state', 'Save and restore', el('div', { class: 'bar' }, button('Save', act(async () => {
    saved = await save();
    return `Saved: ${bytesText(BigInt(saved.length))}`;
  }), { id: 'state-save' }), restoreButton, corruptButton), told);
}
