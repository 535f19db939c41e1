// Exports: tables of device-file offsets.

import { EBADF, OBJECT_COOKIE_TABLE } from '../layout.generated.ts';
import * as cookies from '../cookie.ts';
import { resolve } from '../memory/objects.ts';
import { whole } from '../number.ts';

export function cookieTableCreate(mode: u32, seed: u32): i32 {
  return cookies.createCookieTable(mode, seed);
}

export function cookieTableDestroy(handle: u32): i32 {
  const table = resolve(handle, OBJECT_COOKIE_TABLE);
  if (table == 0) return -EBADF;
  cookies.destroyCookieTable(table);
  return 0;
}

export function cookieRequest(handle: u32, index: u32, bytes: u64): i32 {
  const table = resolve(handle, OBJECT_COOKIE_TABLE);
  return table == 0 ? -EBADF : cookies.requestCookie(table, index, bytes);
}

export function cookieResolve(handle: u32, offset: u64): i32 {
  const table = resolve(handle, OBJECT_COOKIE_TABLE);
  return table == 0 ? -EBADF : cookies.resolveCookie(table, offset);
}

export function cookieResolveF(handle: u32, offset: f64): i32 {
  return cookieResolve(handle, whole(offset));
}
