// The shown part of one order book: two sorted sides to which changes are applied in place.

import type { BookFrame } from './wire';

/** One side, best first; prices and sizes in units. */
export class Side {
  prices = new Float64Array(256);
  sizes = new Float64Array(256);
  length = 0;
  /** 1 where a better price comes later in ascending order (bids), -1 for asks. */
  private readonly direction: 1 | -1;

  constructor(side: 'bid' | 'ask') {
    this.direction = side === 'bid' ? 1 : -1;
  }

  clear(): void {
    this.length = 0;
  }

  /** Sets the size at a price; 0 takes the level out. */
  set(price: number, size: number): void {
    const at = this.find(price);
    const there = at < this.length && this.prices[at] === price;
    if (size === 0) {
      if (!there) return;
      this.prices.copyWithin(at, at + 1, this.length);
      this.sizes.copyWithin(at, at + 1, this.length);
      this.length -= 1;
      return;
    }
    if (!there) {
      if (this.length === this.prices.length) this.grow();
      this.prices.copyWithin(at + 1, at, this.length);
      this.sizes.copyWithin(at + 1, at, this.length);
      this.prices[at] = price;
      this.length += 1;
    }
    this.sizes[at] = size;
  }

  /** Size at a price; 0 where none rests. */
  at(price: number): number {
    const at = this.find(price);
    return at < this.length && this.prices[at] === price ? (this.sizes[at] ?? 0) : 0;
  }

  /** Best price, units; null where the side is empty. */
  get best(): number | null {
    return this.length > 0 ? (this.prices[0] ?? null) : null;
  }

  /** First position whose price is not better than the given one. */
  private find(price: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.prices[middle] ?? 0) - price) * this.direction > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private grow(): void {
    const wider = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(old.length * 2);
      next.set(old);
      return next;
    };
    this.prices = wider(this.prices);
    this.sizes = wider(this.sizes);
  }
}

/** Both sides, with what is known about them. */
export class Book {
  readonly bids = new Side('bid');
  readonly asks = new Side('ask');
  /** Goes up with every frame taken in; 0: nothing received. */
  version = 0;
  /** Sequence of the last frame. */
  sequence = -1;
  /** Receive time of the newest exchange frame in it, unix ms. */
  at = 0;

  apply(frame: BookFrame): void {
    if (frame.snapshot) {
      this.bids.clear();
      this.asks.clear();
    }
    for (let i = 0; i < frame.prices.length; i++) {
      const side = i < frame.bids ? this.bids : this.asks;
      side.set(frame.prices[i] ?? 0, frame.sizes[i] ?? 0);
    }
    this.version += 1;
    this.sequence = frame.sequence;
    this.at = frame.at;
  }
}
