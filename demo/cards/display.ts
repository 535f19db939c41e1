// The display: the picture in its BAR, on a canvas.

import { bochsDisplay } from 'maplebar/devices';
import type { BochsDisplay, Scanout } from 'maplebar/devices';
import { el } from '../dom.ts';
import type { Step } from '../guest/script.ts';
import type { CardFace, CardKind } from './card.ts';

const WIDTH = 320;
const HEIGHT = 200;
const BLOCK = 40;
const BAND = 4;
const DISPI = { XRES: 0x502, YRES: 0x504, BPP: 0x506, ENABLE: 0x508 } as const;

/** Pixels of 32 bits as a canvas wants them: red first, opaque. */
function rgba({ width, height, stride, bytes }: Scanout): ImageData {
  const image = new ImageData(width, height);
  const to = new Uint32Array(image.data.buffer);
  const from = new DataView(bytes.buffer, bytes.byteOffset);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = from.getUint32(y * stride + 4 * x, true);
      to[at++] = (0xff00_0000 | ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >> 16) & 0xff)) >>> 0;
    }
  }
  return image;
}

/** What is behind the block: bands of four lines. One band is one `rep stosd`. */
const background = (bar: number, row: number, lines: number): Step[] => Array.from({ length: Math.ceil(lines / BAND) }, (_, i) => {
  const top = row - row % BAND + BAND * i;
  return ['fill', bar + 4 * WIDTH * top, WIDTH * BAND, (0x10 << 16 | (0x30 + (top >> 1)) << 8 | (0x90 - (top >> 1)))];
});

/** A block that goes over the picture: what it leaves is painted again, then its rows. */
function picture(bar: number, frame: number): Step[] {
  const top = (at: number): number => Math.floor((HEIGHT - BLOCK) / 2 * (1 + Math.sin(at / 9)));
  const left = (frame * 8) % (WIDTH - BLOCK);
  const steps = frame === 0 ? background(bar, 0, HEIGHT) : background(bar, Math.max(0, top(frame - 1) - BAND), Math.min(BLOCK + 3 * BAND, HEIGHT - top(frame - 1) + BAND));
  for (let row = top(frame); row < top(frame) + BLOCK; row++) steps.push(['fill', bar + 4 * (WIDTH * row + left), BLOCK, 0xffb020]);
  return steps;
}

/** The page of the card. */
function displayFace(): CardFace<BochsDisplay> {
  const canvas = el('canvas', { width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': 'the picture in BAR 0' });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const caption = el('p', { class: 'quiet' }, 'No picture yet');
  let frame = 0;
  return {
    make: (engine, host) => bochsDisplay(engine, host, { onModeChange: (mode) => {
      caption.textContent = mode === null ? 'No picture' : `${mode.width} x ${mode.height}, ${mode.format}, ${mode.stride} bytes a line`;
      if (mode !== null) Object.assign(canvas, { width: mode.width, height: mode.height });
    } }),
    view: el('div', {}, canvas, caption),
    draw: (device) => {
      const changed = device.damage();
      if (changed !== null && changed.format === 'XRGB8888') context.putImageData(rgba(changed), 0, 0);
    },
    drive: async (machine, { bars }) => {
      const [pixels, , registers] = bars as [number, number, number];
      if (frame === 0) {
        await machine.run([['write16', registers + DISPI.XRES, WIDTH], ['write16', registers + DISPI.YRES, HEIGHT], ['write16', registers + DISPI.BPP, 32], ['write16', registers + DISPI.ENABLE, 0x41]]);
        machine.say(`guest: bochs-display: ${WIDTH} x ${HEIGHT}, painting`);
      }
      await machine.run(picture(pixels, frame++));
    },
  };
}

export const display: CardKind = { key: 'display', title: 'Display', driver: 'bochs-drm', directBar: 0, face: displayFace };
