// What the demo page must do with the Linux that `npm run guest` makes. Its state makes this quick; without one the kernel boots.
import { expectThat } from './demo-page.mjs';

const BOOT = 240_000;

export const linuxChecks = [
  {
    name: 'Linux: its stock driver puts the console on the display that was plugged in',
    run: async (demo) => {
      await demo.click('#start-linux');
      await demo.sees('#status', 'Running: Linux', BOOT);
      await demo.plug('display');
      await demo.sees('[data-card=display]', /\d+ x \d+, XRGB8888/, 60_000);
      await demo.page.waitForFunction(() => {
        const canvas = globalThis.document.querySelector('[data-card=display] canvas');
        return new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer).filter((pixel) => pixel !== 0xff000000 && pixel !== 0).length > 200;
      }, null, { timeout: 60_000 });
      expectThat(!(await demo.text('#map-drawing')).includes('not decoded'), 'the guest has not placed every region');
      await demo.plug('gpio');
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on', { timeout: 60_000 });
      await demo.picture('demo-linux');
    },
  },
  {
    name: 'Linux: serial port and NVMe disk are bound, used, and pulled while it runs',
    run: async (demo) => {
      await demo.click('#start-linux');
      await demo.sees('#status', 'Running: Linux', BOOT);
      await demo.plug('serial');
      await demo.sees('[data-card=serial] pre', 'hello from ttyS', 60_000);
      await demo.plug('nvme');
      await demo.sees('#guest-text', 'maplebar demo disk', 60_000);
      await demo.sees('[data-card=nvme]', '1,048,576 written', 60_000);
      await demo.unplug('serial');
      await demo.sees('#map-drawing', 'NVMe disk BAR 0');
      await demo.page.fill('#guest-line', 'echo still-$((40 + 2))');
      await demo.page.press('#guest-line', 'Enter');
      await demo.sees('#guest-text', 'still-42');
    },
  },
];
