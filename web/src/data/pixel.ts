// From arrival in this browser to the frame that shows it.

import { store } from './store';

/** Percentiles of the latest batches, ms; null before the first. */
export function pixelPercentiles(): Record<'p50' | 'p90' | 'p99' | 'max', number | null> {
  const n = Math.min(store.pixels, store.pixelMs.length);
  if (n === 0) return { p50: null, p90: null, p99: null, max: null };
  const sorted = store.pixelMs.slice(0, n).sort();
  const at = (share: number): number => sorted[Math.min(n - 1, Math.ceil(share * n) - 1)] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
