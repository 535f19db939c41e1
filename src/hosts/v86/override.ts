// Methods of another's object, replaced on the instance and given back.

/** What was replaced on one object or several, to be given back in the opposite order. */
export class Overrides {
  private readonly undo: (() => void)[] = [];

  /**
   * Replaces `target[name]` by what `make` answers. When that is over, the method is as it was, unless somebody else has replaced it since: theirs stays, and goes on
   * calling the replacement, which must then do as the original.
   *
   * @param make given the original, bound to `target`.
   */
  replace<Target extends object, Name extends keyof Target>(target: Target, name: Name, make: (original: Target[Name]) => Target[Name]): void {
    const before = Object.getOwnPropertyDescriptor(target, name);
    const original = target[name];
    const made = make((original as (...values: unknown[]) => unknown).bind(target) as Target[Name]);
    target[name] = made;
    this.undo.push(() => {
      if (target[name] !== made) return;
      if (before === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, before);
    });
  }

  /** Has `undo` called when everything is given back. */
  add(undo: () => void): void {
    this.undo.push(undo);
  }

  /** Gives everything back, the newest first. */
  restore(): void {
    for (const undo of this.undo.splice(0).reverse()) undo();
  }
}
