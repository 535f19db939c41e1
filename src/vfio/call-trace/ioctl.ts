// An ioctl as strace would show it: the request's name, and its argument before and after the call.

import { extensionText } from './field-names.ts';
import type { NameContext } from './field-names.ts';
import type { CallMemory, IoctlCall } from './call.ts';
import { requestNames, requestShape } from './requests.ts';
import type { StructRequest } from './requests.ts';
import type { Extra } from './request-extras.ts';
import type { Shown, ShownStruct } from './shown.ts';
import { fixedFields, numberAt, structOf } from './struct-text.ts';
import { decimal, hex, integerOf, maskOf, pointer, quotedBytes } from './value-text.ts';

/** A trace keeps no more of an argument. */
export const MOST_ARGUMENT_BYTES = 0x1_0000;

const NAME_BYTES = 4096;
const DIRECTIONS = ['_IOC_NONE', '_IOC_WRITE', '_IOC_READ', '_IOC_READ|_IOC_WRITE'];

/** `VFIO_DEVICE_RESET`; all names where the kind of file does not say which; the parts of the number where there is none. */
export function requestText(request: unknown, kind: unknown): string {
  const number = maskOf(request);
  if (number === undefined) return hex(request);
  const names = requestNames(number, kind);
  if (names.length > 0) return names.join(' or ');
  return `_IOC(${DIRECTIONS[number >>> 30]!}, ${hex((number >> 8) & 0xff)}, ${hex(number & 0xff)}, ${hex((number >> 16) & 0x3fff)})`;
}

function sizeField({ layout }: StructRequest): 'argsz' | 'size' | undefined {
  const [first] = fixedFields(layout);
  return first === 'argsz' || first === 'size' ? first : undefined;
}

/** How many bytes of a struct count: what it says of itself, and at least that number. Undefined: it does not say. */
function ownSize(shape: StructRequest, bytes: Uint8Array): number | undefined {
  const field = sizeField(shape);
  const said = field === undefined ? undefined : numberAt(shape.layout, field, bytes);
  return said === undefined ? undefined : Math.max(said, 4);
}

/** The bytes of an argument that the request is about: what a recorder keeps. `read` gives as many bytes from the pointer on, or as there are. */
export function argumentBytes(request: number, kind: unknown, read: (length: number) => Uint8Array): Uint8Array {
  const shape = requestShape(request, kind);
  switch (shape?.argument) {
    case undefined:
    case 'none':
    case 'extension':
      return new Uint8Array(0);
    case 's32':
    case 'u32':
      return read(4);
    case 'name': {
      const bytes = read(NAME_BYTES);
      const end = bytes.indexOf(0);
      return end < 0 ? bytes : bytes.subarray(0, end + 1);
    }
    case 'struct': {
      const { size } = shape.layout;
      // A struct without a size of its own is just that; of the others the caller may have given less than all, or more behind it.
      return read(Math.min(Math.max(size, ownSize(shape, read(size)) ?? 0), MOST_ARGUMENT_BYTES));
    }
  }
}

function moment(shape: StructRequest, fields: readonly string[], extra: Extra | undefined, bytes: Uint8Array, context: NameContext, succeeded: boolean): ShownStruct & { readonly more: boolean } {
  const size = ownSize(shape, bytes) ?? bytes.length;
  const shown = structOf(shape.layout, fields, { bytes, size }, context);
  // What follows the struct counts only when the struct is whole.
  if (extra === undefined || shown.more) return shown;
  return { fields: [...shown.fields, ...extra({ bytes: bytes.subarray(0, size), context, succeeded })], more: false };
}

function hasChanged(before: Uint8Array, after: Uint8Array): boolean {
  return before.length !== after.length || before.some((byte, i) => byte !== after[i]);
}

function showStruct(shape: StructRequest, { before, after }: CallMemory, address: Shown, context: NameContext, succeeded: boolean): Shown {
  if (!(before instanceof Uint8Array) || before.length === 0) return address;
  const { fields, more } = moment(shape, shape.reads, shape.before, before, context, succeeded);
  if (fields.length === 0) return quotedBytes(before);
  const rest = fixedFields(shape.layout).some((name) => shape.writes.includes(name) && !shape.reads.includes(name));
  const shown = { fields, more: more || rest };
  if (!(after instanceof Uint8Array) || (!succeeded && !hasChanged(before, after))) return shown;
  const answer = moment(shape, shape.writes, shape.after, after, context, succeeded);
  return answer.fields.length === 0 ? shown : { before: shown, after: { fields: answer.fields } };
}

function nameText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return quotedBytes(end < 0 ? bytes : bytes.subarray(0, end), NAME_BYTES, end < 0 ? bytes.length + 1 : end);
}

/** The arguments of an ioctl. The third is left out when the request has none. */
export function ioctlArguments(call: IoctlCall): Shown[] {
  const { fd, request, argument, kind, bus, uapi } = call;
  const shown: Shown[] = [decimal(fd), requestText(request, kind)];
  const shape = requestShape(maskOf(request) ?? -1, kind);
  if (shape?.argument === 'none') return shown;
  const context = { bus: bus === 'platform' ? bus : 'pci', uapi: uapi === 'v7.2' ? uapi : 'v6.14' } as const;
  const isMemory = typeof argument === 'object' && (argument as unknown) !== null;
  const memory = isMemory ? argument : {};
  const { before } = memory;
  const address = pointer(isMemory ? memory.address : argument);
  // Memory of which no address is known: what is left to show is that it is empty.
  const unread = before instanceof Uint8Array && memory.address === undefined ? quotedBytes(before) : address;
  const there = before instanceof Uint8Array && before.length > 0 ? before : undefined;
  if (shape?.argument === 'extension') shown.push(extensionText(argument ?? 0, context));
  else if (shape?.argument === 'struct') shown.push(showStruct(shape, memory, unread, context, (integerOf(call.result) ?? -1n) >= 0n));
  else if (there === undefined) shown.push(unread);
  else if (shape?.argument === 'name') shown.push(nameText(there));
  else if (shape === undefined || there.length < 4) shown.push(memory.address === undefined ? quotedBytes(there) : address);
  else {
    const view = new DataView(there.buffer, there.byteOffset, there.byteLength);
    shown.push([String(shape.argument === 's32' ? view.getInt32(0, true) : view.getUint32(0, true))]);
  }
  return shown;
}
