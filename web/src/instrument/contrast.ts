// Running percentiles of the sizes seen: a histogram over logarithms that forgets, so that old walls stop counting.

const LOW_EXPONENT = -8;
const HIGH_EXPONENT = 12;
const PER_DECADE = 48;
const BINS = (HIGH_EXPONENT - LOW_EXPONENT) * PER_DECADE;

export class Percentiles {
  readonly #bins = new Float64Array(BINS);
  #total = 0;
  #weight = 1;
  readonly #growth: number;

  /** `memory`: columns after which a size counts half. */
  constructor(memory: number) {
    this.#growth = 2 ** (1 / memory);
  }

  /** One column's sizes; zeros do not count. Newer weigh more, which is the same as older ones fading. */
  add(sizes: Float32Array, from: number, count: number): void {
    this.#weight *= this.#growth;
    if (this.#weight > 1e12) this.#rescale();
    for (let i = from; i < from + count; i += 1) {
      const size = sizes[i]!;
      if (!(size > 0)) continue;
      this.#bins[bin(size)]! += this.#weight;
      this.#total += this.#weight;
    }
  }

  /** The size below which this share (0..1) of the sizes lies; 0 if nothing was seen. */
  at(share: number): number {
    if (this.#total <= 0) return 0;
    const wanted = this.#total * Math.min(1, Math.max(0, share));
    let sum = 0;
    for (let i = 0; i < BINS; i += 1) {
      const here = this.#bins[i]!;
      if (sum + here >= wanted && here > 0) {
        return 10 ** ((i + (wanted - sum) / here) / PER_DECADE + LOW_EXPONENT);
      }
      sum += here;
    }
    return 10 ** HIGH_EXPONENT;
  }

  get empty(): boolean {
    return this.#total <= 0;
  }

  clear(): void {
    this.#bins.fill(0);
    this.#total = 0;
    this.#weight = 1;
  }

  #rescale(): void {
    for (let i = 0; i < BINS; i += 1) this.#bins[i]! /= this.#weight;
    this.#total /= this.#weight;
    this.#weight = 1;
  }
}

function bin(size: number): number {
  const at = Math.floor((Math.log10(size) - LOW_EXPONENT) * PER_DECADE);
  return Math.min(BINS - 1, Math.max(0, at));
}
