// Storing over whatever is there, for maps that have no such operation of their own: cuts the ranges at the ends, removes those inside.

/** What a map must be able to do for it. */
export interface Cuttable {
  foundFirst: number;
  foundLast: number;
  foundValue: number;
  /** Finds the range with the highest first index at or below `index`. */
  below(index: number): boolean;
  /** Sets the last index of the range that was found. */
  shortenFound(last: number): void;
  setFoundValue(value: number): void;
  insert(first: number, last: number, value: number): boolean;
  erase(index: number): number;
}

/** Writes `value` over first..last. */
export function storeOver(map: Cuttable, first: number, last: number, value: number): void {
  while (map.below(last) && map.foundLast >= first) {
    const { foundFirst, foundLast, foundValue } = map;
    if (foundFirst === first && foundLast === last) {
      map.setFoundValue(value);
      return;
    }
    if (foundFirst < first) {
      map.shortenFound(first - 1);
      if (foundLast > last) map.insert(last + 1, foundLast, foundValue);
      break;
    }
    map.erase(foundFirst);
    if (foundLast > last) map.insert(last + 1, foundLast, foundValue);
  }
  map.insert(first, last, value);
}
