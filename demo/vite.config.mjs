// How the page is bundled: scripts and styles as files, since its policy allows nothing inline; the library from its sources.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = (name, path) => ({ find: new RegExp(`^${name}$`), replacement: here(`../src/${path}`) });

export default defineConfig({
  root: here('.'),
  base: './',
  logLevel: 'warn',
  resolve: {
    alias: [
      source('maplebar', 'index.ts'),
      source('maplebar/devices', 'devices/index.ts'),
      source('maplebar/pci', 'pci/index.ts'),
      source('maplebar/registers', 'registers/index.ts'),
      source('maplebar/v86', 'hosts/v86/index.ts'),
    ],
  },
  build: {
    outDir: here('../build/demo'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 3000,
    // v86 asks for these in Node only.
    rolldownOptions: { external: [/^node:/] },
  },
});
