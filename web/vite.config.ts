// Builds the page into one folder of hashed files, each also compressed; in development it is served beside a running
// `fathometer demo`.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

// Where the API answers while `npm run dev` serves the page.
const api = process.env['FATHOMETER_API'] ?? 'http://127.0.0.1:8050';
const out = process.env['FATHOMETER_PAGE_OUT'] ?? 'dist';

/** Writes `x.br` and `x.gz` beside every file: nothing is compressed while it is served. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || /\.(br|gz)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const plain = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), compressed()],
  base: './',
  build: {
    target: 'es2022',
    outDir: out,
    emptyOutDir: true,
    sourcemap: false,
    assetsInlineLimit: 0, // nothing inline: the content security policy allows files of this host only
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      // its own origin, as the server wants it
      '/api': { target: api, ws: true, changeOrigin: true, headers: { origin: api } },
      '/health': { target: api, changeOrigin: true, headers: { origin: api } },
    },
  },
});
