// Rings of what was received: a fixed number of the newest, the oldest go first.

import type { ReliefFrame, TradesFrame } from './wire';

/** Trades kept per instrument. */
export const TRADES_MAX = 8192;
/** Heatmap columns kept per instrument: 30 minutes at 250 ms. */
export const RELIEF_MAX = 7200;

/** Trades, addressed by their number since the page was opened: `first..total`. */
export class Trades {
  readonly ats = new Float64Array(TRADES_MAX);
  readonly prices = new Float64Array(TRADES_MAX);
  readonly sizes = new Float64Array(TRADES_MAX);
  readonly buys = new Uint8Array(TRADES_MAX);
  /** Trades ever taken in: the newest has number `total - 1`. */
  total = 0;
  sequence = -1;

  /** Number of the oldest that is kept. */
  get first(): number {
    return Math.max(0, this.total - TRADES_MAX);
  }

  /** Where the trade of that number stands in the arrays. */
  slot(number: number): number {
    return number % TRADES_MAX;
  }

  apply(frame: TradesFrame): void {
    // a replay that went back to an earlier time begins anew
    if (frame.snapshot && this.total > 0 && (frame.ats.at(-1) ?? Infinity) < (this.ats[this.slot(this.total - 1)] ?? 0)) this.total = 0;
    // a snapshot repeats the latest trades: what is known already is left out
    const known = frame.snapshot && this.total > 0 ? (this.ats[this.slot(this.total - 1)] ?? 0) : -Infinity;
    for (let i = 0; i < frame.ats.length; i++) {
      const at = frame.ats[i] ?? 0;
      if (at <= known) continue;
      const slot = this.slot(this.total);
      this.ats[slot] = at;
      this.prices[slot] = frame.prices[i] ?? 0;
      this.sizes[slot] = frame.sizes[i] ?? 0;
      this.buys[slot] = frame.buys[i] ?? 0;
      this.total += 1;
    }
    this.sequence = frame.sequence;
  }
}

/** Heatmap columns, oldest first, addressed by number as the trades are. */
export class Relief {
  private columns: ReliefFrame[] = [];
  total = 0;

  get first(): number {
    return this.total - this.columns.length;
  }

  get(number: number): ReliefFrame | undefined {
    return number >= this.first ? this.columns[number % RELIEF_MAX] : undefined;
  }

  get newest(): ReliefFrame | undefined {
    return this.get(this.total - 1);
  }

  apply(frame: ReliefFrame): void {
    const last = this.newest;
    if (last && frame.snapshot && frame.at < last.at) {
      this.columns = []; // a replay that went back to an earlier time
      this.total = 0;
    } else if (last && frame.at <= last.at) return;
    if (this.columns.length < RELIEF_MAX) this.columns.push(frame);
    else this.columns[this.total % RELIEF_MAX] = frame;
    this.total += 1;
  }
}

/** Pairs of instant and value, one at most per step: small charts. */
export class Spark {
  readonly ats: Float64Array;
  readonly values: Float64Array;
  readonly capacity: number;
  total = 0;
  private readonly stepMs: number;

  constructor(capacity: number, stepMs: number) {
    this.capacity = capacity;
    this.stepMs = stepMs;
    this.ats = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  get first(): number {
    return Math.max(0, this.total - this.capacity);
  }

  /** Instant of the newest, unix ms; -Infinity where there is none. */
  get newestAt(): number {
    return this.total > 0 ? (this.ats[(this.total - 1) % this.capacity] ?? -Infinity) : -Infinity;
  }

  /** Absent values are NaN: a gap in the line. Instants go up; what is older than the newest is left out. */
  push(at: number, value: number): void {
    const step = Math.floor(at / this.stepMs) * this.stepMs;
    if (step < this.newestAt) return;
    if (step > this.newestAt) this.total += 1;
    const slot = (this.total - 1) % this.capacity;
    this.ats[slot] = step;
    this.values[slot] = value;
  }

  /** Puts what was before the oldest in front of what is there. */
  fill(ats: ArrayLike<number>, values: ArrayLike<number>): void {
    const later = { ats: [] as number[], values: [] as number[] };
    for (let n = this.first; n < this.total; n++) {
      later.ats.push(this.ats[n % this.capacity] ?? 0);
      later.values.push(this.values[n % this.capacity] ?? NaN);
    }
    this.total = 0;
    const until = later.ats[0] ?? Infinity;
    for (let i = 0; i < ats.length; i++) if ((ats[i] ?? 0) < until) this.push(ats[i] ?? 0, values[i] ?? NaN);
    for (let i = 0; i < later.ats.length; i++) this.push(later.ats[i] ?? 0, later.values[i] ?? NaN);
  }
}
