// What Linux' 8250 driver does to a port: the accesses of its probe, start-up, transmit, interrupt handler and shutdown, in its order.
// Source: Linux 6.1 drivers/tty/serial/8250/8250_port.c

/** Accesses to one port. */
export interface PortIo {
  read(register: number): number;
  write(register: number, value: number): void;
}

export const UART = { RX: 0, TX: 0, DLL: 0, DLM: 1, IER: 1, IIR: 2, FCR: 2, EFR: 2, LCR: 3, MCR: 4, LSR: 5, MSR: 6, SCR: 7 } as const;
const { RX, TX, DLL, DLM, IER, IIR, FCR, EFR, LCR, MCR, LSR, MSR, SCR } = UART;

export function writeDivisor(port: PortIo, divisor: number): void {
  port.write(DLL, divisor & 0xff);
  port.write(DLM, divisor >> 8);
}

export function readDivisor(port: PortIo): number {
  return port.read(DLL) | (port.read(DLM) << 8);
}

function clearFifos(port: PortIo): void {
  port.write(FCR, 0x01);
  port.write(FCR, 0x07);
  port.write(FCR, 0x00);
}

/** The divisor with 0 written to it: a chip that answers something else says what it is. */
function divisorId(port: PortIo): number {
  const lcr = port.read(LCR);
  port.write(LCR, 0x80);
  const old = readDivisor(port);
  writeDivisor(port, 0);
  const id = readDivisor(port);
  writeDivisor(port, old);
  port.write(LCR, lcr);
  return id;
}

/** How many bytes of 256 a looped-back port keeps. `wait` lets 20 ms pass. */
export async function sizeFifo(port: PortIo, wait: () => Promise<void>): Promise<number> {
  const lcr = port.read(LCR);
  port.write(LCR, 0);
  const fcr = 0;
  const mcr = port.read(MCR);
  port.write(FCR, 0x07);
  port.write(MCR, 0x10);
  port.write(LCR, 0x80);
  const divisor = readDivisor(port);
  writeDivisor(port, 1);
  port.write(LCR, 0x03);
  for (let i = 0; i < 256; i++) port.write(TX, i);
  await wait();
  let count = 0;
  while ((port.read(LSR) & 0x01) !== 0 && count < 256) {
    port.read(RX);
    count++;
  }
  port.write(FCR, fcr);
  port.write(MCR, mcr);
  port.write(LCR, 0x80);
  writeDivisor(port, divisor);
  port.write(LCR, lcr);
  return count;
}

async function autoconfig16550a(port: PortIo, wait: () => Promise<void>): Promise<string> {
  port.write(LCR, 0x80);
  if (port.read(EFR) === 0) return 'EFR v1';
  port.write(LCR, 0xbf);
  if (port.read(EFR) === 0 && divisorId(port) !== 0x0201) return 'EFR v2';
  port.write(LCR, 0);
  const mcr = port.read(MCR);
  port.write(LCR, 0xe0);
  if (((port.read(2) ^ mcr) & 0x10) === 0) {
    port.write(LCR, 0);
    port.write(MCR, mcr ^ 0x10);
    port.write(LCR, 0xe0);
    const exchanged = port.read(2);
    port.write(LCR, 0);
    port.write(MCR, mcr);
    if (((exchanged ^ mcr) & 0x10) !== 0) return 'NS16550A';
  }
  port.write(LCR, 0);
  port.write(FCR, 0x21);
  const without = port.read(IIR) >> 5;
  port.write(FCR, 0x01);
  port.write(LCR, 0x80);
  port.write(FCR, 0x21);
  const withDlab = port.read(IIR) >> 5;
  port.write(FCR, 0x01);
  port.write(LCR, 0);
  if (without === 6 && withDlab === 7) return '16750';
  const ier = port.read(IER);
  port.write(IER, ier & ~0x40);
  port.write(IER, ier | 0x40);
  if ((port.read(IER) & 0x40) !== 0) return 'XScale';
  port.write(IER, ier);
  return (await sizeFifo(port, wait)) === 64 ? 'U6_16550A' : '16550A';
}

/** What the driver takes the port for. */
export async function autoconfig(port: PortIo, wait: () => Promise<void>): Promise<string> {
  const ier = port.read(IER);
  port.write(IER, 0);
  const none = port.read(IER) & 0x0f;
  port.write(IER, 0x0f);
  const all = port.read(IER) & 0x0f;
  port.write(IER, ier);
  if (none !== 0 || all !== 0x0f) return 'IER test failed';
  const mcr = port.read(MCR);
  const lcr = port.read(LCR);
  port.write(MCR, 0x1a);
  const looped = port.read(MSR) & 0xf0;
  port.write(MCR, mcr);
  if (looped !== 0x90) return 'LOOP test failed';
  port.write(LCR, 0xbf);
  port.write(EFR, 0);
  port.write(LCR, 0);
  port.write(FCR, 0x01);
  let type = ['8250', 'unknown', '16550', '16550A'][port.read(IIR) >> 6]!;
  if (type === '8250') {
    const scratch = port.read(SCR);
    port.write(SCR, 0xa5);
    const first = port.read(SCR);
    port.write(SCR, 0x5a);
    if (first === 0xa5 && port.read(SCR) === 0x5a) type = '16450';
    port.write(SCR, scratch);
  } else if (type === '16550A') {
    type = await autoconfig16550a(port, wait);
  }
  port.write(LCR, lcr);
  port.write(MCR, mcr);
  clearFifos(port);
  port.read(RX);
  port.write(IER, 0);
  return type;
}

/** Opens the port. Answers the work-arounds that the driver would turn on: none, of a good chip. */
export function startup(port: PortIo): string[] {
  const bugs: string[] = [];
  const clear = (): void => {
    for (const register of [LSR, RX, IIR, MSR]) port.read(register);
  };
  clearFifos(port);
  clear();
  if (port.read(LSR) === 0xff) bugs.push('LSR safety check');
  while ((port.read(LSR) & 0x20) === 0);
  port.write(IER, 0x02);
  const first = port.read(IIR);
  port.write(IER, 0);
  port.write(IER, 0x02);
  const again = port.read(IIR);
  port.write(IER, 0);
  if ((first & 1) === 0 && (again & 1) !== 0) bugs.push('THRE is not raised again');
  port.write(LCR, 0x03);
  port.write(MCR, 0x08);
  port.write(IER, 0x02);
  const lsr = port.read(LSR);
  const iir = port.read(IIR);
  port.write(IER, 0);
  if ((lsr & 0x40) !== 0 && (iir & 1) !== 0) bugs.push('no THRE when enabled');
  clear();
  return bugs;
}

/** 8n1 with a divisor, FIFOs on with a trigger level of 8, DTR and RTS up, receive interrupts enabled. */
export function setTermios(port: PortIo, divisor: number): void {
  port.write(IER, 0x05);
  port.write(LCR, 0x83);
  writeDivisor(port, divisor);
  port.write(LCR, 0x03);
  port.write(FCR, 0x01);
  port.write(FCR, 0x81);
  port.write(MCR, 0x0b);
}

/** A port in use: what was received, and what is still to be sent. */
export class OpenPort {
  readonly received: number[] = [];
  readonly errors: number[] = [];
  readonly modem: number[] = [];
  private readonly queue: number[] = [];
  private ier = 0x05;
  private readonly port: PortIo;

  constructor(port: PortIo) {
    this.port = port;
  }

  send(bytes: Iterable<number>): void {
    this.queue.push(...bytes);
    if ((this.ier & 0x02) === 0) this.enable(this.ier | 0x02);
  }

  enable(ier: number): void {
    this.ier = ier;
    this.port.write(IER, ier);
  }

  /** The interrupt handler: how many turns until the port had no more to say. */
  interrupt(): number {
    for (let turns = 0; turns < 512; turns++) {
      const iir = this.port.read(IIR);
      if ((iir & 1) !== 0) return turns;
      let lsr = this.port.read(LSR);
      if ((lsr & 0x11) !== 0 && (iir & 0x04) !== 0) {
        do {
          if ((lsr & 0x1e) !== 0) this.errors.push(lsr & 0x1e);
          if ((lsr & 0x01) !== 0) this.received.push(this.port.read(RX));
          lsr = this.port.read(LSR);
        } while ((lsr & 0x11) !== 0);
      }
      const msr = this.port.read(MSR);
      if ((msr & 0x0f) !== 0) this.modem.push(msr);
      if ((lsr & 0x20) === 0) continue;
      for (let count = 0; count < 16 && this.queue.length > 0; count++) this.port.write(TX, this.queue.shift()!);
      if (this.queue.length === 0 && (this.ier & 0x02) !== 0) this.enable(this.ier & ~0x02);
    }
    throw new Error('the port does not stop to interrupt');
  }

  shutdown(): void {
    this.enable(0);
    this.port.write(MCR, 0);
    this.port.write(LCR, this.port.read(LCR) & ~0x40);
    clearFifos(this.port);
    this.port.read(RX);
  }
}
