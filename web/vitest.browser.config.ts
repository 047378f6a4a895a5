// The page in a real browser against the real program; see tests/harness.ts for what it needs.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.spec.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false, // the machine's two cores are for the program and the browser
    sequence: { concurrent: false },
  },
});
