// Which device `maplebar serve` and a replay of its sessions are about: one of ours by name, or what a user's file exports by default.

import { extname } from 'node:path';
import type { Engine } from '../core/index.ts';
import type { BlockStore } from '../devices/index.ts';
import type { DeviceMaker, NamedDevice } from '../hosts/vfio-user/index.ts';
import type { DeviceHost } from '../pci/index.ts';
import { readText } from './files.ts';
import { DEVICE_NAMES, referenceDevice } from './reference-devices.ts';
import type { LoadModule } from './trace.ts';

/** What a device can be given beyond its host. */
export interface SourceOptions {
  /** The blocks of its disk. */
  readonly store?: BlockStore;
}

/** What a user's file exports by default. */
export type UserDevice = (engine: Engine, host: DeviceHost, options: SourceOptions) => ReturnType<DeviceMaker>;

/** Where a device comes from. */
export interface DeviceSource {
  /** Its name, or the path of its file. */
  readonly name: string;
  readonly make: UserDevice;
}

/** Those of ours that have a disk. */
export const DISK_NAMES: readonly string[] = ['nvme-lite'];

const EXTENSIONS: readonly string[] = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/** Whether what was named is a file: it has the ending of one, or a slash. */
export function isDeviceFile(name: string): boolean {
  return !DEVICE_NAMES.includes(name) && (EXTENSIONS.includes(extname(name)) || name.includes('/'));
}

async function exportOf(path: string, load: LoadModule): Promise<UserDevice> {
  // In our words where the file is none.
  readText(path);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await load(path);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const found = exported['default'];
  if (typeof found !== 'function') throw new Error(`${path}: its default export is ${found === undefined ? 'missing' : `of type ${typeof found}`}; expected a function (engine, host) that makes a device`);
  return found as UserDevice;
}

/**
 * What makes the device of a name or a file.
 *
 * @throws (rejects with) Error for a name that no device has, a file that cannot be read, one that throws, and one that exports no function.
 */
export async function deviceSource(name: string, load: LoadModule): Promise<DeviceSource> {
  if (!isDeviceFile(name)) {
    const make = referenceDevice(name);
    return { name, make: (engine, host, options) => make(engine, host, options) };
  }
  const found = await exportOf(name, load);
  return {
    name,
    make: (engine, host, options) => {
      try {
        return found(engine, host, options);
      } catch (error) {
        throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    },
  };
}

/** What a device tells of its registers, if it does. */
export function namedDevice(made: unknown): NamedDevice {
  if (typeof made !== 'object' || made === null) return {};
  const { banks, function: own } = made as { readonly banks?: unknown; readonly function?: unknown };
  return {
    ...(banks instanceof Map && { banks: banks as NonNullable<NamedDevice['banks']> }),
    ...(typeof (own as { readonly registerAt?: unknown } | undefined)?.registerAt === 'function' && { function: own as NonNullable<NamedDevice['function']> }),
  };
}
