// What is required of the sides, and of what it is a share.

/** At most so many times what `against` takes. */
export const TARGETS: Readonly<Record<string, number>> = {
  'linked, memory': 0.92,
  'linked, register': 0.92,
  'JavaScript, memory': 1.35,
  'JavaScript, register': 1.35,
  'trap-free BAR': 1.3,
};

/** What a side is compared with. */
export function against(side: string): string | undefined {
  if (side === 'empty handler' || side === 'guest RAM') return undefined;
  return side === 'trap-free BAR' ? 'guest RAM' : 'empty handler';
}
