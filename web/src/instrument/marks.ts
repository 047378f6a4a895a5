// Trades as the heatmap shows them: those of one side in one bucket of time become one mark at their mean price.

import { Percentiles } from './contrast';

/** Numbers per mark: time (buckets since `base`), price above `origin`, size, side (1 taker bought, -1 sold). */
export const MARK = 4;

export class Marks {
  readonly bucketMs: number;
  readonly capacity: number;
  readonly data: Float32Array;
  /** Marks ever made; the newest `capacity` are kept, in slots modulo it. */
  made = 0;
  /** Slots changed since the drawer last took them: from this count on. */
  dirtyFrom = 0;
  /** Number of the bucket at zero and price at zero, so that single precision is enough. */
  base = 0;
  origin = 0;
  readonly #open = [-1, -1];
  readonly #bucket = [-1, -1];
  readonly #size = [0, 0];
  readonly #worth = [0, 0];
  /** Sizes of finished marks. */
  readonly #sizes = new Percentiles(2000);
  readonly #one = new Float32Array(1);

  constructor(bucketMs: number, capacity: number) {
    this.bucketMs = bucketMs;
    this.capacity = capacity;
    this.data = new Float32Array(capacity * MARK);
  }

  /** Size whose mark has the full radius: few marks are larger, and one block trade does not dwarf the rest. */
  get scale(): number {
    return this.#sizes.at(0.99) || this.#size[0]! + this.#size[1]! || 1;
  }

  add(atMs: number, price: number, size: number, buy: boolean): void {
    if (!(size > 0) || !Number.isFinite(price)) return;
    if (this.made === 0) {
      this.base = Math.floor(atMs / this.bucketMs);
      this.origin = price;
    }
    const side = buy ? 0 : 1;
    const bucket = Math.floor(atMs / this.bucketMs);
    if (this.#bucket[side] !== bucket) {
      if (this.#size[side]! > 0) {
        this.#one[0] = this.#size[side]!;
        this.#sizes.add(this.#one, 0, 1);
      }
      this.#bucket[side] = bucket;
      this.#open[side] = this.made;
      this.#size[side] = 0;
      this.#worth[side] = 0;
      this.made += 1;
    }
    const sum = (this.#size[side]! += size);
    this.#worth[side]! += size * price;
    const mark = this.#open[side]!;
    const at = (mark % this.capacity) * MARK;
    this.data[at] = bucket - this.base + 0.5;
    this.data[at + 1] = this.#worth[side]! / sum - this.origin;
    this.data[at + 2] = sum;
    this.data[at + 3] = buy ? 1 : -1;
    this.dirtyFrom = Math.min(this.dirtyFrom, mark);
  }

  /** Marks now held. */
  get count(): number {
    return Math.min(this.made, this.capacity);
  }

  /** Number of the first mark at or after a bucket above the base; the sides' marks may be out of order by one bucket. */
  from(bucket: number): number {
    let low = Math.max(0, this.made - this.capacity);
    let high = this.made;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.data[(middle % this.capacity) * MARK]! < bucket) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The mark nearest to a place, within limits; -1 if none. Times in ms, prices as they are. */
  nearest(atMs: number, price: number, withinMs: number, withinPrice: number): number {
    let best = -1;
    let least = 1;
    const oldest = Math.max(0, this.made - this.capacity);
    for (let mark = this.made - 1; mark >= oldest; mark -= 1) {
      const dt = (this.timeOf(mark) - atMs) / withinMs;
      const dp = (this.priceOf(mark) - price) / withinPrice;
      const distance = dt * dt + dp * dp;
      if (distance < least) {
        least = distance;
        best = mark;
      }
    }
    return best;
  }

  timeOf(mark: number): number {
    return (this.data[(mark % this.capacity) * MARK]! + this.base) * this.bucketMs;
  }
  priceOf(mark: number): number {
    return this.data[(mark % this.capacity) * MARK + 1]! + this.origin;
  }
  sizeOf(mark: number): number {
    return this.data[(mark % this.capacity) * MARK + 2]!;
  }
  boughtOf(mark: number): boolean {
    return this.data[(mark % this.capacity) * MARK + 3]! > 0;
  }

  clear(): void {
    this.made = 0;
    this.dirtyFrom = 0;
    this.#open.fill(-1);
    this.#bucket.fill(-1);
    this.#size.fill(0);
    this.#sizes.clear();
    this.data.fill(0);
  }
}
