// The two axes of what an access does to a field, onRead x onWrite, and who may use it: SystemRDL's words, and the words that other formats have for the same.

/** What becomes of the bits that were read. Source: SystemRDL 2.0, 9.6 (onread). */
export type OnRead = 'rclr' | 'rset';

/** What a written bit makes of the stored one; without a word the written bit is stored. Source: SystemRDL 2.0, 9.6 (onwrite). */
export type OnWrite = 'woclr' | 'woset' | 'wot' | 'wzc' | 'wzs' | 'wzt' | 'wclr' | 'wset';

/** Who may use a field: software reads and writes, reads, writes, does either until the first write after a reset, or cannot reach it. Source: SystemRDL 2.0, 9.4 (sw). */
export type Software = 'rw' | 'r' | 'w' | 'rw1' | 'w1' | 'na';

/** Every spelling of an onRead word: SystemRDL's, `rc` and `rs`, and those of CMSIS-SVD. */
export type OnReadWord = OnRead | 'rc' | 'rs' | 'clear' | 'set';

/** Every spelling of an onWrite word: SystemRDL's, `w1c` and the like, and those of CMSIS-SVD. */
export type OnWriteWord = OnWrite | 'w1c' | 'w1s' | 'w1t' | 'w0c' | 'w0s' | 'w0t' | 'wc' | 'ws' | 'oneToClear' | 'oneToSet' | 'oneToToggle' | 'zeroToClear' | 'zeroToSet' | 'zeroToToggle' | 'clear' | 'set';

/** Every spelling of who may use a field: SystemRDL's, `ro` and `wo`, and those of CMSIS-SVD. */
export type SoftwareWord = Software | 'wr' | 'ro' | 'wo' | 'read-write' | 'read-only' | 'write-only' | 'read-writeOnce' | 'writeOnce';

const ON_READ: Readonly<Record<OnReadWord, OnRead>> = {
  rclr: 'rclr',
  rset: 'rset',
  rc: 'rclr',
  rs: 'rset',
  clear: 'rclr',
  set: 'rset',
};

const ON_WRITE: Readonly<Record<OnWriteWord, OnWrite>> = {
  woclr: 'woclr',
  woset: 'woset',
  wot: 'wot',
  wzc: 'wzc',
  wzs: 'wzs',
  wzt: 'wzt',
  wclr: 'wclr',
  wset: 'wset',
  w1c: 'woclr',
  w1s: 'woset',
  w1t: 'wot',
  w0c: 'wzc',
  w0s: 'wzs',
  w0t: 'wzt',
  wc: 'wclr',
  ws: 'wset',
  oneToClear: 'woclr',
  oneToSet: 'woset',
  oneToToggle: 'wot',
  zeroToClear: 'wzc',
  zeroToSet: 'wzs',
  zeroToToggle: 'wzt',
  clear: 'wclr',
  set: 'wset',
};

const SOFTWARE: Readonly<Record<SoftwareWord, Software>> = {
  rw: 'rw',
  r: 'r',
  w: 'w',
  rw1: 'rw1',
  w1: 'w1',
  na: 'na',
  wr: 'rw',
  ro: 'r',
  wo: 'w',
  'read-write': 'rw',
  'read-only': 'r',
  'write-only': 'w',
  'read-writeOnce': 'rw1',
  writeOnce: 'w1',
};

function canonical<Word extends string>(words: Readonly<Record<string, Word>>, what: string, word: unknown): Word {
  if (typeof word === 'string' && Object.hasOwn(words, word)) return words[word]!;
  throw new TypeError(`${what} is ${JSON.stringify(word)}; expected one of ${Object.keys(words).join(', ')}`);
}

/** The canonical word for onRead; TypeError, naming `what`, for none. @internal */
export function onReadOf(what: string, word: unknown): OnRead {
  return canonical<OnRead>(ON_READ, what, word);
}

/** The canonical word for onWrite. @internal */
export function onWriteOf(what: string, word: unknown): OnWrite {
  return canonical<OnWrite>(ON_WRITE, what, word);
}

/** The canonical word for who may use a field. @internal */
export function softwareOf(what: string, word: unknown): Software {
  return canonical<Software>(SOFTWARE, what, word);
}

/** Whether software's reads show the field. */
export function isReadable(sw: Software): boolean {
  return sw === 'rw' || sw === 'r' || sw === 'rw1';
}

/** Whether software's writes reach the field, the first one at least. */
export function isWritable(sw: Software): boolean {
  return sw === 'rw' || sw === 'w' || sw === 'rw1' || sw === 'w1';
}

/** Whether software writes the field only once after a reset. */
export function isOnce(sw: Software): boolean {
  return sw === 'rw1' || sw === 'w1';
}
