// What the demo page must do with the Linux that `npm run guest` makes. Its state makes this quick; without one the kernel boots.
import { compareCounters } from './counter-check.mjs';
import { expectThat } from './demo-page.mjs';

const BOOT = 240_000;

/** Whether letters are on the canvas of the display. Runs in the page. */
const shown = () => {
  const canvas = globalThis.document.querySelector('[data-card=display] canvas');
  return new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer).filter((pixel) => pixel !== 0xff000000 && pixel !== 0).length > 200;
};

async function type(demo, line) {
  await demo.page.fill('#guest-line', line);
  await demo.page.press('#guest-line', 'Enter');
}

export const linuxChecks = [
  {
    name: 'Linux: its stock driver puts the console on the display that was plugged in',
    run: async (demo) => {
      await demo.click('#start-linux');
      await demo.sees('#status', 'Running: Linux', BOOT);
      await demo.plug('display');
      await demo.sees('[data-card=display]', /\d+ x \d+, XRGB8888/, 60_000);
      await demo.page.waitForFunction(shown, null, { timeout: 60_000 });
      expectThat(!(await demo.text('#map-drawing')).includes('not decoded'), 'the guest has not placed every region');
      await demo.plug('gpio');
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on', { timeout: 60_000 });
      await demo.picture('demo-linux');
      expectThat(await demo.page.$('[aria-label="output 5 on"]') === null, 'output 5 is lit before anybody has switched it on');
      // Base 512 less 32 lines is nobody's promise: the guest says where its lines begin.
      await type(demo, 'B=$(cat /sys/class/gpio/gpiochip*/base | head -n 1); echo $((B+5)) > /sys/class/gpio/export; echo 1 > /sys/class/gpio/OUT5/value');
      await demo.page.waitForSelector('[aria-label="output 5 on"]', { timeout: 60_000 });
      await type(demo, 'echo 0 > /sys/class/gpio/OUT5/value');
      await demo.page.waitForSelector('[aria-label="output 5 off"]', { timeout: 60_000 });
      await type(demo, 'while :; do dmesg > /dev/tty1; done & LOAD=$!');
      const { wrong, accesses } = await compareCounters(demo.page, 20);
      expectThat(wrong.length === 0 && accesses > 0, `${accesses} accesses while counters were compared; ${wrong.join('; ')}`);
      await type(demo, 'kill $LOAD');
    },
  },
  {
    name: 'Linux: display memory trapped and direct, each with its nanoseconds',
    run: async (demo) => {
      await demo.click('#start-linux');
      await demo.sees('#status', 'Running: Linux', BOOT);
      await demo.plug('display');
      await demo.sees('[data-card=display]', /\d+ x \d+, XRGB8888/, 60_000);
      await demo.click('#speed-measure');
      await demo.sees('#speed-rows', /traced\d[\d.]+/, BOOT);
      await demo.click('#direct');
      await demo.sees('#map-drawing', /Display BAR 0: 16 MiB, at 0x4000000, direct/, 60_000);
      await demo.sees('#speed-rows', /direct\d[\d.]+now/, BOOT);
      await demo.sees('[data-card=display]', /\d+ x \d+, XRGB8888/, 60_000);
      await type(demo, 'echo drawn without a trap > /dev/tty1');
      await demo.page.waitForFunction(shown, null, { timeout: 60_000 });
      expectThat((await demo.text('#problems')) === '', `problems: ${await demo.text('#problems')}`);
    },
  },
  {
    name: 'Linux: serial port and NVMe disk are bound, used, and pulled while it runs; taken back to a state, it goes on',
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
      await type(demo, 'echo still-$((40 + 2))');
      await demo.sees('#guest-text', 'still-42');
      await demo.click('#state-save');
      await demo.sees('#state-told', /^Saved/, 60_000);
      await type(demo, 'echo gone-on-$((40 + 2))');
      await demo.sees('#guest-text', 'gone-on-42');
      await demo.click('#state-restore');
      await demo.sees('#state-told', /^Restored$/, 60_000);
      // What waits for a while is woken: the guest's time goes on.
      await type(demo, 'sleep 0.2; echo awake-$((40 + 2))');
      await demo.sees('#guest-text', 'awake-42');
      await type(demo, 'dd if=/dev/nvme0n1 bs=64k count=16 iflag=direct 2>/dev/null | wc -c');
      await demo.sees('#guest-text', /\n1048576/);
    },
  },
];
