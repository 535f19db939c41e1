// What a machine must have for QEMU and its guest to be made.
import { spawnSync } from 'node:child_process';
import { missingTools } from '../guest/apt.mjs';

/**
 * Why a machine cannot make or run them; undefined when it can.
 *
 * @param {{ isThere: boolean, processor?: string, platform?: string, isMissing?: (tool: string) => boolean, missing?: string[] }} parts - `isThere`: the packages are, so apt is not needed;
 *   the others: what this machine is and has.
 * @returns {string | undefined}
 */
export function whyNoQemu({ isThere, processor = process.arch, platform = process.platform, isMissing = (tool) => spawnSync(tool, ['--version']).error !== undefined, missing = isThere ? [] : missingTools() }) {
  if (platform !== 'linux' || processor !== 'x64') return `the packages are for Linux on x64, and this is ${platform} on ${processor}`;
  if (missing.length > 0) return `no apt: ${missing.join(', ')} not found`;
  if (isMissing('gcc')) return 'no compiler: gcc not found, and the guest has a program of test/qemu/guest/ (apt-get install gcc libc6-dev)';
  return undefined;
}
