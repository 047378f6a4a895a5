// What the ladder shows: levels or groups of them, running sums, what was traded there. Positions and sums only; no metric.

import type { Side } from '../data/book';
import type { ReliefFrame } from '../data/wire';
import type { Trades } from '../data/rings';

/** Most rows of a side. */
export const ROWS_MAX = 256;

/** Rows of one side, best first; prices in units, sizes as shown, worth in quote currency. */
export class Rows {
  readonly prices = new Float64Array(ROWS_MAX);
  readonly sizes = new Float64Array(ROWS_MAX);
  /** Sums from the best row to this one. */
  readonly sums = new Float64Array(ROWS_MAX);
  readonly worths = new Float64Array(ROWS_MAX);
  count = 0;
  /** Largest size. */
  largest = 0;

  /**
   * Fills from a side: its levels as they are (`step` 0), or all groups of `step` units from the best one on, empty ones
   * included, bids named by their lower edge and asks by their upper. A group that reaches past the last level that is
   * known is left out: its sum would be a guess.
   */
  fill(side: Side, bids: boolean, step: number, limit: number, unit: number, lot: number): void {
    this.count = 0;
    this.largest = 0;
    const most = Math.min(limit, ROWS_MAX);
    if (side.length === 0 || most <= 0) return;
    let sum = 0;
    let worth = 0;
    const close = (at: number, price: number, size: number): void => {
      this.prices[at] = price;
      this.sizes[at] = size;
      this.sums[at] = sum;
      this.worths[at] = worth;
      if (size > this.largest) this.largest = size;
      this.count = at + 1;
    };
    if (step <= 0) {
      for (let i = 0; i < side.length && i < most; i += 1) {
        const size = side.sizes[i]! * lot;
        sum += size;
        worth += size * side.prices[i]! * unit;
        close(i, side.prices[i]!, size);
      }
      return;
    }
    const group = (price: number): number => groupOf(price, step, bids);
    const direction = bids ? -1 : 1;
    let here = group(side.prices[0]!);
    const last = group(side.prices[side.length - 1]!);
    let size = 0;
    let row = 0;
    for (let i = 0; i < side.length && row < most; i += 1) {
      const at = group(side.prices[i]!);
      while (at !== here && row < most) {
        close(row, here, size);
        row += 1;
        here += direction * step;
        size = 0;
      }
      if (at === last && side.length >= 2 && row > 0) return;
      const level = side.sizes[i]! * lot;
      size += level;
      sum += level;
      worth += level * side.prices[i]! * unit;
    }
    if (row < most) close(row, here, size);
  }

  /**
   * Fills from a column of the relief, `times` of its rows a group: further than the levels reach, and with worths taken
   * at the middle of a row. The outermost group is left out where it is cut.
   */
  fillRelief(column: ReliefFrame, bids: boolean, times: number, limit: number, unit: number): void {
    this.count = 0;
    this.largest = 0;
    const { sizes, split, first, row } = column;
    let sum = 0;
    let worth = 0;
    let at = bids ? split - 1 : split;
    const direction = bids ? -1 : 1;
    while (at >= 0 && at < sizes.length && this.count < Math.min(limit, ROWS_MAX)) {
      const group = Math.floor((first + at) / times);
      let size = 0;
      while (Math.floor((first + at) / times) === group) {
        if (at < 0 || at >= sizes.length) return;
        size += sizes[at]!;
        worth += sizes[at]! * (first + at + 0.5) * row * unit;
        at += direction;
      }
      sum += size;
      this.prices[this.count] = (bids ? group : group + 1) * times * row;
      this.sizes[this.count] = size;
      this.sums[this.count] = sum;
      this.worths[this.count] = worth;
      if (size > this.largest) this.largest = size;
      this.count += 1;
    }
  }

  /** The row of a price; -1 if none. */
  find(price: number): number {
    for (let i = 0; i < this.count; i += 1) if (this.prices[i] === price) return i;
    return -1;
  }
}

/** The group that holds a price: its lower edge for bids, its upper for asks. */
export function groupOf(price: number, step: number, bids: boolean): number {
  return bids ? Math.floor(price / step) * step : Math.ceil(price / step) * step;
}

/**
 * Steps of grouping, units: none; 1, 2, 5 times powers of ten of the tick as far as single levels are received; then whole
 * rows of the relief, which reaches further.
 */
export function groupings(tick: number, reliefRow: number): number[] {
  const steps = [0];
  for (let power = 1; power < 1e9; power *= 10) {
    for (const factor of [1, 2, 5]) {
      const step = tick * factor * power;
      if (step > tick && step < reliefRow) steps.push(step);
    }
  }
  return reliefRow > 0 ? [...steps, ...[1, 2, 5, 10].map((times) => times * reliefRow)] : steps;
}

interface Sum {
  bought: number;
  sold: number;
}

/** What was traded at each price within a window, kept up to date as trades come and go. */
export class Traded {
  readonly windowMs: number;
  #sums = new Map<number, Sum>();
  #from = 0;
  #to = 0;
  #step = 0;
  #trades: Trades | null = null;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  /** Takes in new trades and lets go of those older than the window. */
  update(trades: Trades, step: number, nowMs: number): void {
    if (trades !== this.#trades || step !== this.#step || this.#to < trades.first || this.#to > trades.total) {
      this.#trades = trades;
      this.#step = step;
      this.#sums.clear();
      this.#from = trades.first;
      this.#to = trades.first;
    }
    for (; this.#to < trades.total; this.#to += 1) this.#add(trades, this.#to, 1);
    const oldest = nowMs - this.windowMs;
    while (this.#from < this.#to && (this.#from < trades.first || trades.ats[trades.slot(this.#from)]! < oldest)) {
      if (this.#from < trades.first) {
        // overwritten before it left the window: sums are made anew from what is there
        this.#sums.clear();
        this.#from = trades.first;
        for (let n = this.#from; n < this.#to; n += 1) this.#add(trades, n, 1);
        continue;
      }
      this.#add(trades, this.#from, -1);
      this.#from += 1;
    }
  }

  #add(trades: Trades, number: number, sign: number): void {
    const slot = trades.slot(number);
    const buy = trades.buys[slot] === 1;
    const price = trades.prices[slot]!;
    const key = this.#step > 0 ? groupOf(price, this.#step, !buy) : price;
    let sum = this.#sums.get(key);
    if (!sum) this.#sums.set(key, (sum = { bought: 0, sold: 0 }));
    if (buy) sum.bought += sign * trades.sizes[slot]!;
    else sum.sold += sign * trades.sizes[slot]!;
    if (sum.bought === 0 && sum.sold === 0) this.#sums.delete(key);
  }

  /** Units bought and sold by takers at a price; undefined where nothing was. */
  at(price: number): Sum | undefined {
    return this.#sums.get(price);
  }
}
