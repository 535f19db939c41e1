// A QEMU with vfio-user-pci in a folder of its own: Debian packages and all that they need, unpacked over each other. Nothing is installed, nothing of theirs is run but QEMU.
//
//   qemu/root/usr/bin/qemu-system-x86_64       started by the folder's own dynamic linker, with the folder's libraries:
//            /usr/lib64/ld-linux-x86-64.so.2     the machine's may be older
//            /usr/lib/x86_64-linux-gnu/
//            /usr/share/{qemu,seabios}/        firmware
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aptFor, debianSources, mirrorOf, mirrorSources } from '../guest/apt.mjs';
import { LEAST_QEMU, RELEASES } from './recipe.mjs';

const PACKAGES = ['qemu-system-x86', 'seabios'];
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
/** Of no use to a program that runs: a quarter of all bytes. */
const LEFT_OUT = ['usr/share/doc', 'usr/share/locale', 'usr/share/man', 'usr/share/info', 'usr/share/perl5'];

/**
 * Whether a package's version of QEMU has vfio-user-pci.
 *
 * @param {string | undefined} version - `1:11.1.3+ds-1~bpo13+1`
 */
export function isNewEnough(version) {
  const [, major, minor] = /^(?:\d+:)?(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (major === undefined) return false;
  return Number(major) > LEAST_QEMU[0] || (Number(major) === LEAST_QEMU[0] && Number(minor) >= LEAST_QEMU[1]);
}

/**
 * How QEMU of a folder is started.
 *
 * @param {string} root - Where its packages were unpacked.
 * @returns {{ command: string, args: string[], env: Record<string, string> }} The beginning of its arguments, and what its environment has besides.
 */
export function qemuCommand(root) {
  const libraries = join(root, LIBRARIES);
  return {
    command: join(root, 'usr/lib64/ld-linux-x86-64.so.2'),
    args: ['--library-path', [libraries, join(libraries, 'blas'), join(libraries, 'lapack')].join(':'), '--argv0', 'qemu-system-x86_64', join(root, 'usr/bin/qemu-system-x86_64'), '-L', join(root, 'usr/share/qemu'), '-L', join(root, 'usr/share/seabios')],
    env: { QEMU_MODULE_DIR: join(libraries, 'qemu') },
  };
}

/**
 * Fetches QEMU from the first release that has one of 10.1 or later.
 *
 * @param {{ folder: string, root: string, mirror?: string, tell: (line: string) => void }} parts - `folder`: where apt works; `root`: where the packages are unpacked; `mirror`: instead of that
 *   of the machine's own sources.
 * @returns {Promise<{ version: string, release: string, packages: number }>}
 * @throws Error when no release of the mirror has it: what was looked for, and what was found.
 */
export async function installQemu({ folder, root, mirror = mirrorOf(debianSources()), tell }) {
  if (mirror === undefined) throw new Error("no mirror of Debian among the machine's own sources; name one with --mirror");
  const found = [];
  for (const { release, suites } of RELEASES) {
    tell(`looking for QEMU ${LEAST_QEMU.join('.')} in ${release} of ${mirror}`);
    const own = join(folder, release);
    mkdirSync(own, { recursive: true });
    // A mirror that is a little behind has lists that are past their date.
    const apt = aptFor({ folder: own, architecture: 'amd64', sources: mirrorSources(mirror, suites), stale: true, tell });
    await apt.update();
    const version = apt.version('qemu-system-x86', release);
    if (!isNewEnough(version)) {
      found.push(`${release} has ${version ?? 'none'}`);
      continue;
    }
    const packages = await apt.unpackedWhole(PACKAGES, { to: root, release });
    for (const path of LEFT_OUT) rmSync(join(root, path), { recursive: true, force: true });
    const { command } = qemuCommand(root);
    if (!existsSync(command)) throw new Error(`qemu-system-x86 ${version} of ${release}: the packages hold no ${command}`);
    return { version, release, packages };
  }
  throw new Error(`${mirror} has no qemu-system-x86 ${LEAST_QEMU.join('.')} or later: ${found.join(', ')}`);
}
