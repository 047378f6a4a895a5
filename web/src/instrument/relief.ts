// The liquidity relief: a ring of columns in time, each with its own price rows, so that nothing is ever re-based.

/** Most rows of a column that are kept; what a column has beyond is cut evenly from its outer ends. */
export const ROWS = 256;

export class Relief {
  #width = NaN;
  /** Newest column from before whose rows are of another height. */
  #otherAt = -1;
  readonly stepMs: number;
  readonly columns: number;
  /** Sizes, base units: `columns` runs of `ROWS`. */
  readonly sizes: Float32Array;
  /** Lowest price of a column's first row. */
  readonly bottom: Float64Array;
  /** Height of a row in price. */
  readonly width: Float64Array;
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  /** Rows known; 0: the book could not be vouched for. */
  readonly rows: Uint16Array;
  /** Index of the row that holds the best ask. */
  readonly split: Uint16Array;
  /** Number of the column since the epoch; -1: nothing there. */
  readonly stamp: Float64Array;
  /** Newest column's number; -1 none. */
  newest = -1;
  /** Number of the oldest column since the ring was cleared; what the ring has overwritten since is not there either. */
  oldest = Infinity;
  /** Number of the column since which all rows have had the same height. */
  widthSince = Infinity;
  /** Counts changes. */
  changes = 0;

  constructor(stepMs: number, columns: number) {
    this.stepMs = stepMs;
    this.columns = columns;
    this.sizes = new Float32Array(columns * ROWS);
    this.bottom = new Float64Array(columns);
    this.width = new Float64Array(columns);
    this.bid = new Float64Array(columns).fill(NaN);
    this.ask = new Float64Array(columns).fill(NaN);
    this.rows = new Uint16Array(columns);
    this.split = new Uint16Array(columns);
    this.stamp = new Float64Array(columns).fill(-1);
  }

  /** Stores a column and says in which slot; -1 if it is older than the ring reaches. */
  put(atMs: number, first: number, width: number, bid: number, ask: number, split: number, sizes: Float32Array): number {
    const number = Math.floor(atMs / this.stepMs);
    if (number <= this.newest - this.columns) return -1;
    const slot = number % this.columns;
    if (sizes.length > 0) this.#measure(number, width);
    let from = 0;
    let count = sizes.length;
    if (count > ROWS) {
      from = Math.min(count - ROWS, Math.max(0, split - ROWS / 2));
      count = ROWS;
    }
    const base = slot * ROWS;
    for (let i = 0; i < count; i += 1) this.sizes[base + i] = sizes[from + i]!;
    this.sizes.fill(0, base + count, base + ROWS);
    this.bottom[slot] = (first + from) * width;
    this.width[slot] = width;
    this.bid[slot] = bid;
    this.ask[slot] = ask;
    this.rows[slot] = count;
    this.split[slot] = Math.min(count, Math.max(0, split - from));
    this.stamp[slot] = number;
    if (number > this.newest) this.newest = number;
    if (number < this.oldest) this.oldest = number;
    this.changes += 1;
    return slot;
  }

  /** Keeps `widthSince` right, whether columns come in order or, with the history, from before. */
  #measure(number: number, width: number): void {
    if (width === this.#width) {
      if (number < this.widthSince && number > this.#otherAt) this.widthSince = number;
    } else if (number >= this.newest) {
      this.#width = width;
      this.widthSince = number;
    } else {
      this.#otherAt = Math.max(this.#otherAt, number);
      this.widthSince = Math.max(this.widthSince, this.#otherAt + 1);
    }
  }

  /** Repeats a column for the steps up to `atMs` in which nothing changed; gives the last slot written. */
  extend(slot: number, atMs: number): number {
    const until = Math.floor(atMs / this.stepMs);
    let from = slot;
    for (let number = this.stamp[slot]! + 1; number <= until; number += 1) {
      const to = number % this.columns;
      this.sizes.copyWithin(to * ROWS, from * ROWS, (from + 1) * ROWS);
      this.bottom[to] = this.bottom[from]!;
      this.width[to] = this.width[from]!;
      this.bid[to] = this.bid[from]!;
      this.ask[to] = this.ask[from]!;
      this.rows[to] = this.rows[from]!;
      this.split[to] = this.split[from]!;
      this.stamp[to] = number;
      this.newest = Math.max(this.newest, number);
      from = to;
    }
    return from;
  }

  /** The slot that holds this instant; -1 if none does. */
  slotAt(atMs: number): number {
    const number = Math.floor(atMs / this.stepMs);
    if (number < 0) return -1;
    const slot = number % this.columns;
    return this.stamp[slot] === number ? slot : -1;
  }

  /** Height of the newest rows. */
  get rowWidth(): number {
    return this.#width;
  }

  newestSlot(): number {
    return this.newest < 0 ? -1 : this.newest % this.columns;
  }

  /** Size resting in the row that holds a price; NaN where nothing is known. */
  sizeIn(slot: number, price: number): number {
    const row = this.rowIn(slot, price);
    return row < 0 ? NaN : this.sizes[slot * ROWS + row]!;
  }

  /** The row that holds a price; -1 outside. */
  rowIn(slot: number, price: number): number {
    const row = Math.floor((price - this.bottom[slot]!) / this.width[slot]! + 1e-9);
    return row >= 0 && row < this.rows[slot]! ? row : -1;
  }

  clear(): void {
    this.stamp.fill(-1);
    this.rows.fill(0);
    this.newest = -1;
    this.oldest = Infinity;
    this.widthSince = Infinity;
    this.#width = NaN;
    this.#otherAt = -1;
    this.changes += 1;
  }
}

/** Live columns and the longer, coarser past; both written at once. */
export class Reliefs {
  readonly fine = new Relief(250, 2048);
  readonly coarse = new Relief(1000, 4096);

  /** The slot that holds this instant, the finer one first. */
  find(atMs: number): { relief: Relief; slot: number } | null {
    for (const relief of [this.fine, this.coarse]) {
      const slot = relief.slotAt(atMs);
      if (slot >= 0) return { relief, slot };
    }
    return null;
  }

  clear(): void {
    this.fine.clear();
    this.coarse.clear();
  }
}
