// `expect` without its price where nothing is wrong: jest makes some hundred closures and an Error with a stack for each call, before it compares anything.
/* global Buffer */
//
//   expect(actual) --> toBe, toEqual, toStrictEqual of what is surely equal: nothing more happens
//                  --> all else: jest's own `expect` is asked, and what it throws says where the test called

const { getPrototypeOf, is, keys, getOwnPropertySymbols, prototype } = Object;
const DEEPEST = 16;

/** Made by a literal, in whichever realm, and without symbols. */
function isPlain(value, proto) {
  return proto !== null && getPrototypeOf(proto) === null && proto.constructor?.name === 'Object' && getOwnPropertySymbols(value).length === 0;
}

/**
 * Whether `toEqual` holds beyond doubt: the same values in the same arrays, literals and bytes. Errors, maps, sets, asymmetric matchers, all else that has rules of its own is for jest
 * to say, and so is everything that differs.
 */
function surelyEqual(a, b, depth = 0) {
  if (is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || depth === DEEPEST) return false;
  const proto = getPrototypeOf(a);
  if (proto !== getPrototypeOf(b)) return false;
  // To ask whether bytes have named properties as well, as arrays can, would cost more than all else.
  if (prototype.toString.call(a) === '[object Uint8Array]') return Buffer.compare(a, b) === 0;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length || getOwnPropertySymbols(a).length + getOwnPropertySymbols(b).length > 0) return false;
    // Other keys than its places.
    if (keys(a).length !== a.length || keys(b).length !== b.length) return false;
    return a.every((item, i) => surelyEqual(item, b[i], depth + 1));
  }
  if (!isPlain(a, proto) || !isPlain(b, proto) || typeof b.asymmetricMatch === 'function' || typeof a.asymmetricMatch === 'function') return false;
  const names = keys(a);
  return names.length === keys(b).length && names.every((name) => Object.hasOwn(b, name) && surelyEqual(a[name], b[name], depth + 1));
}

/** The quick form of jest's `expect` of a realm. What counts assertions (`expect.assertions`) does not hear of quick ones. */
function quickExpect(real, { captureStackTrace }) {
  const refer = (actual, name, expected, caller) => {
    try {
      real(actual)[name](...expected);
    } catch (error) {
      captureStackTrace(error, caller);
      throw error;
    }
  };
  class Expectation {
    constructor(actual) {
      this.actual = actual;
    }

    toBe(...expected) {
      if (!is(this.actual, expected[0])) refer(this.actual, 'toBe', expected, this.toBe);
    }

    toStrictEqual(...expected) {
      if (!is(this.actual, expected[0])) refer(this.actual, 'toStrictEqual', expected, this.toStrictEqual);
    }

    toEqual(...expected) {
      if (!surelyEqual(this.actual, expected[0])) refer(this.actual, 'toEqual', expected, this.toEqual);
    }
  }
  for (const name of keys(real())) {
    if (Object.hasOwn(Expectation.prototype, name)) continue;
    Object.defineProperty(Expectation.prototype, name, {
      get() {
        return real(this.actual)[name];
      },
    });
  }
  const quick = (...actual) => (actual.length > 1 ? real(...actual) : new Expectation(actual[0]));
  return Object.setPrototypeOf(quick, real);
}

module.exports = { quickExpect, surelyEqual };
