// Elements made in one call, and the small pieces of the page that several panels share.

type Child = Node | string | null;
type Properties = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | undefined>>;

function fill(made: Element, properties: Properties, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name.replace(/^on/, ''), value);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null) made.append(child);
}

/** An element with attributes, listeners (`onclick`) and children. */
export function el<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  fill(made, properties, children);
  return made;
}

/** The same for drawings. */
export function svg<Tag extends keyof SVGElementTagNameMap>(tag: Tag, properties: Properties = {}, ...children: Child[]): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(made, properties, children);
  return made;
}

/** A button that says what it does. */
export const button = (text: string, onclick: () => void, more: Properties = {}): HTMLButtonElement => el('button', { type: 'button', onclick, ...more }, text);

/** A panel: a heading and what is below it. */
export const panel = (id: string, title: string, ...children: Child[]): HTMLElement => el('section', { class: 'panel', id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title` }, title), ...children);

/** A number in hexadecimal, as addresses are written here. */
export const hex = (value: number | bigint, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** Bytes in the largest unit that divides them. */
export function bytesText(size: bigint): string {
  for (const [unit, bits] of [['GiB', 30n], ['MiB', 20n], ['KiB', 10n]] as const) if (size >= 1n << bits && size % (1n << bits) === 0n) return `${size >> bits} ${unit}`;
  return `${size} B`;
}

/** A number that people read: 12,345. */
export const count = (value: number): string => value.toLocaleString('en-US');
