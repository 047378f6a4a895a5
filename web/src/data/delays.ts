// How long something took, of the latest times that it was measured.

/** Percentiles, ms; null before the first. */
export type Percentiles = Record<'p50' | 'p90' | 'p99' | 'max', number | null>;

export class Delays {
  private readonly ring = new Float64Array(2048);
  private total = 0;

  add(ms: number): void {
    this.ring[this.total % this.ring.length] = ms;
    this.total += 1;
  }

  get percentiles(): Percentiles {
    const n = Math.min(this.total, this.ring.length);
    if (n === 0) return { p50: null, p90: null, p99: null, max: null };
    const sorted = this.ring.slice(0, n).sort();
    const at = (share: number): number => sorted[Math.min(n - 1, Math.ceil(share * n) - 1)] ?? 0;
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}
