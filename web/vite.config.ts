// Builds the page into one folder of hashed files; in development it is served beside a running `fathometer demo`.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Where the API answers while `npm run dev` serves the page.
const api = process.env['FATHOMETER_API'] ?? 'http://127.0.0.1:8050';

export default defineConfig({
  plugins: [svelte()],
  base: './',
  build: {
    target: 'es2022',
    outDir: process.env['FATHOMETER_PAGE_OUT'] ?? 'dist',
    emptyOutDir: true,
    sourcemap: false,
    assetsInlineLimit: 0, // nothing inline: the content security policy allows files of this host only
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/api': { target: api, ws: true, changeOrigin: true },
      '/health': { target: api, changeOrigin: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
