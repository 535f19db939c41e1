// Looks the hosts of a table over, and what rows begin with.

import { strangeWords } from './check-step.ts';
import type { HostData, Start } from './host-table.ts';
import type { Step, Table } from './table.ts';

const HOST = ['about', 'options', 'bridges', 'functions', 'processes'];
const OPTIONS = ['iommu', 'allowUnsafeInterrupts', 'unsafeNoIommu', 'dmaEntryLimit', 'peerToPeer', 'messageWindow'];
const IOMMU = ['pageSizes', 'lastAddress', 'reserved', 'coherent', 'isolatesMessages', 'tracksDirty'];
const RESERVED = ['first', 'last', 'kind'];
const WINDOW = ['size', 'alignment'];
const BRIDGE = ['slot', 'secondaryBus', 'kind', 'acs'];
const FUNCTION = ['slot', 'device', 'driver', 'isolated', 'iommu', 'emulated', 'physicalFunction'];
const PROCESS = ['capabilities', 'maxLockedBytes', 'maxFds'];
const START = ['host', 'about', 'steps'];

/** What steps are made on: a host, none where a device is open, or one that is not there. */
export type HostOfSteps = HostData | 'unknown' | undefined;

type CheckStep = (what: string, step: Step, host: HostOfSteps) => string[];

function checkIommu(what: string, iommu: HostData['functions'][string]['iommu']): string[] {
  if (iommu === undefined || iommu === 'none') return [];
  return [...strangeWords(`${what}, iommu`, iommu, IOMMU), ...(iommu.reserved ?? []).flatMap((one, i) => strangeWords(`${what}, reserved ${i}`, one, RESERVED))];
}

function checkFunctions(what: string, { functions }: HostData, { devices }: Table): string[] {
  return Object.entries(functions).flatMap(([name, one]) => {
    const here = `${what}, ${name}`;
    const { device, physicalFunction } = one;
    const found = [...strangeWords(here, one, FUNCTION), ...checkIommu(here, one.iommu)];
    if (device !== undefined && !Object.hasOwn(devices, device)) found.push(`${here}: no device is called ${device}`);
    if (physicalFunction !== undefined && !Object.hasOwn(functions, physicalFunction)) found.push(`${here}: no function of the host is called ${physicalFunction}`);
    return found;
  });
}

function checkHost(name: string, host: HostData, table: Table): string[] {
  const what = `host ${name}`;
  const { options = {}, bridges = [], processes } = host;
  const found = [...strangeWords(what, host, HOST), ...strangeWords(`${what}, options`, options, OPTIONS), ...checkIommu(what, options.iommu), ...strangeWords(`${what}, messageWindow`, options.messageWindow ?? {}, WINDOW)];
  found.push(...bridges.flatMap((bridge, i) => strangeWords(`${what}, bridge ${i}`, bridge, BRIDGE)), ...checkFunctions(what, host, table));
  found.push(...Object.entries(processes ?? {}).flatMap(([process, one]) => strangeWords(`${what}, process ${process}`, one, PROCESS)));
  if (processes !== undefined && !Object.hasOwn(processes, 'main')) found.push(`${what}: no process is called main`);
  return found;
}

function checkStart(name: string, start: Start, { hosts }: Table, checkStep: CheckStep): string[] {
  const what = `start ${name}`;
  const found = strangeWords(what, start, START);
  if (!Object.hasOwn(hosts, start.host)) found.push(`${what}: no host is called ${start.host}`);
  if (start.steps.length === 0) found.push(`${what}: it does nothing`);
  return [...found, ...start.steps.flatMap((step, i) => checkStep(`${what} ${i + 1}`, step, hosts[start.host] ?? 'unknown'))];
}

/** What is wrong with a table's hosts and starts, a line each. */
export function checkHosts(table: Table, checkStep: CheckStep): string[] {
  return [
    ...Object.entries(table.hosts).flatMap(([name, host]) => checkHost(name, host, table)),
    ...Object.entries(table.starts).flatMap(([name, start]) => checkStart(name, start, table, checkStep)),
  ];
}
