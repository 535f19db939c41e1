// Debian packages of another architecture or release through apt, with a state of its own: the machine's apt is neither asked nor changed, and no root is needed.
//
//   folder/apt/   etc/*.list, *.sources   the machine's own Debian sources, or those that were asked for
//                 state/, cache/          what `apt-get update` fetched, and packages with all that they need
//   folder/       NAME_VERSION_ARCH.deb   what `apt-get download` fetched
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SUITE = 'bookworm';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const TOOLS = ['apt-get', 'apt-cache', 'dpkg-deb'];

/** What is missing of what this needs: names of programs, none when all are there. */
export const missingTools = () => TOOLS.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);

/** Whether a stanza or a line of sources leads to Debian itself: other vendors' have no kernel for this, and may not answer. */
const isDebian = (text) => /^(deb |Types:)/m.test(text) && /https?:\/\/\S+\/debian(-security)?\/?(\s|$)/m.test(text) && text.includes(SUITE);

/** The architectures of a machine's sources are the machine's, not the guest's. */
const forAnyArchitecture = (text) => text.replace(/^Architectures:.*\n?/gm, '').replace(/^deb \[([^\]]*)\]/gm, (_, options) => `deb [${options.replace(/arch=\S*/g, '').trim()}]`).replace(/^deb \[\]/gm, 'deb');

/**
 * Debian's sources of this machine, as files of apt.
 *
 * @param {string} etc - The machine's apt folder, with sources.list and sources.list.d/.
 * @returns {{ name: string, text: string }[]}
 */
export function debianSources(etc = '/etc/apt') {
  const folder = join(etc, 'sources.list.d');
  const paths = [join(etc, 'sources.list'), ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])].filter((path) => existsSync(path));
  return paths.flatMap((path) => {
    const text = readFileSync(path, 'utf8');
    const parts = path.endsWith('.sources') ? text.split(/\n\s*\n/) : path.endsWith('.list') ? text.split('\n') : [];
    const ours = parts.map((part) => part.replace(/^#.*\n?/gm, '')).filter(isDebian);
    const name = path.slice(path.lastIndexOf('/') + 1);
    return ours.length === 0 ? [] : [{ name, text: forAnyArchitecture(`${ours.join(name.endsWith('.list') ? '\n' : '\n\n')}\n`) }];
  });
}

/**
 * A mirror of Debian as a source of apt, whose signatures are checked with the machine's keys of Debian.
 *
 * @param {string} mirror - Its URL.
 * @param {string[]} suites
 * @returns {{ name: string, text: string }[]}
 */
export function mirrorSources(mirror, suites = [SUITE]) {
  const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : '';
  return [{ name: 'mirror.list', text: suites.map((suite) => `deb${signed} ${mirror} ${suite} main\n`).join('') }];
}

/** The mirror that sources name for Debian itself, which has all of its releases; undefined when they name none. */
export const mirrorOf = (sources) => sources.map(({ text }) => /https?:\/\/\S+\/debian(?=\/?\s)/.exec(text)?.[0]).find((url) => url !== undefined);

/** Runs a program; what it prints goes to `tell`, a line at a time. */
function run(command, args, { cwd, tell }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    // Each stream comes in pieces that end anywhere.
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        output += `${line}\n`;
        if (line.trim() !== '') tell(line.trim());
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

/**
 * An apt for one architecture.
 *
 * @param {{ folder: string, architecture: string, mirror?: string, sources?: { name: string, text: string }[], stale?: boolean, tell: (line: string) => void }} parts - `folder`: where its
 *   state and what it downloads is kept; `mirror`, `sources`: instead of the machine's own sources; `stale`: lists that are past their date will do, signed as ever; `tell`: what is told
 *   its progress.
 */
export function aptFor({ folder, architecture, mirror, sources = mirror === undefined ? debianSources() : mirrorSources(mirror), stale = false, tell }) {
  const at = (name) => join(folder, 'apt', name);
  for (const name of ['etc', 'state/lists/partial', 'cache/archives/partial']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('state/status'), '');
  if (sources.length === 0) throw new Error(`no source of Debian ${SUITE} among the machine's own; name one with --mirror`);
  for (const { name, text } of sources) writeFileSync(join(at('etc'), name), text);
  const options = Object.entries({
    'Dir::State': at('state'),
    'Dir::State::status': at('state/status'),
    'Dir::Cache': at('cache'),
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': at('etc'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '30',
    ...(stale && { 'Acquire::Check-Valid-Until': 'false' }),
    'Debug::NoLocking': '1',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const unpack = async (path, to) => {
    const { status, output } = await run('dpkg-deb', ['-x', path, to], { tell });
    if (status !== 0) throw new Error(`dpkg-deb -x ${path} ended with ${status}: ${output.trim()}`);
  };
  const cache = (...args) => spawnSync('apt-cache', [...options, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout ?? '';
  return {
    /** Fetches the lists of packages. A list that cannot be had is none: what is missing then shows when a package is asked for. */
    update: () => run('apt-get', [...options, 'update'], { tell }),
    /** Names of packages that match. */
    names: (pattern) => cache('search', '--names-only', pattern).split('\n').map((line) => line.split(' ')[0]).filter((name) => name !== ''),
    /** The version that would be fetched, of the suite `release` first; undefined when there is none. */
    version: (name, release) => /^ {2}Candidate: (?!\(none\))(.+)$/m.exec(cache(...(release === undefined ? [] : ['-t', release]), 'policy', name))?.[1],
    /** Fetches a package and unpacks it. @returns the folder it was unpacked to. */
    unpacked: async (name) => {
      const { status, output } = await run('apt-get', [...options, 'download', name], { cwd: folder, tell });
      const file = readdirSync(folder).find((one) => one.startsWith(`${name}_`) && one.endsWith('.deb'));
      if (status !== 0 || file === undefined) throw new Error(`apt-get download ${name} ended with ${status}: ${output.trim().split('\n').at(-1)}`);
      const to = join(folder, name);
      tell(`unpacking ${file}`);
      await unpack(join(folder, file), to);
      return to;
    },
    /**
     * Fetches packages and all that they need, as if nothing were installed, and unpacks them over each other. Nothing of theirs is run.
     *
     * @param {string[]} names
     * @param {{ to: string, release?: string }} where - `release`: the suite whose packages come first.
     * @returns {Promise<number>} How many packages it were.
     */
    unpackedWhole: async (names, { to, release }) => {
      const archives = at('cache/archives');
      const target = release === undefined ? [] : ['-t', release];
      for (const file of readdirSync(archives)) if (file.endsWith('.deb')) rmSync(join(archives, file));
      const { status, output } = await run('apt-get', [...options, ...target, '-y', '--download-only', '--no-install-recommends', 'install', ...names], { tell });
      const files = readdirSync(archives).filter((file) => file.endsWith('.deb'));
      if (status !== 0 || files.length === 0) throw new Error(`apt-get --download-only install ${names.join(' ')} ended with ${status}: ${output.trim().split('\n').at(-1)}`);
      tell(`unpacking ${files.length} packages`);
      for (const file of files) await unpack(join(archives, file), to);
      return files.length;
    },
  };
}

const ABI = /^linux-image-(\d+\.\d+)\.0-(\d+)-(686|amd64)(-unsigned)?$/;

/**
 * The newest kernel of a flavour among names of packages: those that Debian has signed and those it has not yet hold the same.
 *
 * @param {string[]} names
 * @param {'686' | 'amd64'} flavour - 686: of 32 bits, without PAE.
 * @returns {string | undefined}
 */
export function newestKernel(names, flavour = '686') {
  const known = names.flatMap((name) => {
    const [, series, abi, of, unsigned] = ABI.exec(name) ?? [];
    return series === '6.1' && of === flavour ? [{ name, abi: Number(abi), unsigned: unsigned !== undefined }] : [];
  });
  return known.sort((a, b) => b.abi - a.abi || Number(b.unsigned) - Number(a.unsigned))[0]?.name;
}
