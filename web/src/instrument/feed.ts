// From what the store holds of a market to what the heatmap draws: relief rings, marks of trades, contrast.

import type { Market } from '../data/store';
import type { ReliefFrame } from '../data/wire';
import { Percentiles } from './contrast';
import { Marks } from './marks';
import type { Drawn, Painter } from './painter';
import { Reliefs, ROWS, type Relief } from './relief';

/** A pause between columns that is bridged: a quiet market sends none. Longer ones stay blank. */
const BRIDGE_MS = 2_500;
/** Seconds between the history's end and the stream's beginning that are bridged. */
const BRIDGES = 6;
/** Columns after which a size counts half in the contrast: five minutes. */
const CONTRAST_MEMORY = 1200;

export class HeatFeed implements Drawn {
  readonly reliefs = new Reliefs();
  readonly marks = [new Marks(250, 8192), new Marks(1000, 8192), new Marks(4000, 4096)];
  readonly sizes = new Percentiles(CONTRAST_MEMORY);
  /** Told of every column written. */
  painter: Painter | null = null;
  /** Goes up with every column, trade or reload. */
  changes = 0;
  /** Receive time of the newest column, unix ms. */
  newestMs = -Infinity;
  #market: Market | null = null;
  #relief: object | null = null;
  #columns = 0;
  #trades = 0;

  /** Takes in what the market's rings hold beyond what was taken before; a different market starts anew. */
  take(market: Market): boolean {
    const before = this.changes;
    if (market !== this.#market) this.start(market);
    const { relief, trades } = market;
    if (relief !== this.#relief) {
      this.#relief = relief;
      this.#columns = relief.first;
    }
    for (let n = Math.max(this.#columns, relief.first); n < relief.total; n += 1) {
      const frame = relief.get(n);
      if (frame) this.column(frame, market.info.price_decimals);
    }
    this.#columns = relief.total;
    for (let n = Math.max(this.#trades, trades.first); n < trades.total; n += 1) {
      const slot = trades.slot(n);
      const price = market.price(trades.prices[slot]!);
      this.trade(trades.ats[slot]!, price, market.size(trades.sizes[slot]!), trades.buys[slot] === 1);
    }
    this.#trades = trades.total;
    return this.changes !== before;
  }

  start(market: Market | null): void {
    this.#market = market;
    this.#relief = null;
    this.#columns = 0;
    this.#trades = 0;
    this.newestMs = -Infinity;
    this.reliefs.clear();
    for (const marks of this.marks) marks.clear();
    this.sizes.clear();
    this.changes += 1;
    this.painter?.reload();
  }

  /** The past as the API gives it, a column a second, oldest first: fills what is not there. */
  history(frames: ReliefFrame[], decimals: number): void {
    const { painter } = this;
    this.painter = null;
    const { coarse } = this.reliefs;
    let before = -1;
    for (const frame of frames) {
      const there = coarse.slotAt(frame.at);
      if (there < 0) before = this.write(coarse, 'coarse', frame, decimals, before);
      else before = there;
      this.newestMs = Math.max(this.newestMs, frame.at);
    }
    // from its last column to what was streamed since
    for (let number = before < 0 ? Infinity : coarse.stamp[before]! + 1, tries = 0; tries < BRIDGES; number += 1, tries += 1) {
      if (coarse.slotAt(number * coarse.stepMs) < 0) continue;
      coarse.extend(before, (number - 1) * coarse.stepMs);
      break;
    }
    this.painter = painter;
    painter?.reload();
    this.changes += 1;
  }

  column(frame: ReliefFrame, decimals: number): void {
    const { fine, coarse } = this.reliefs;
    this.write(fine, 'fine', frame, decimals, fine.newestSlot());
    this.write(coarse, 'coarse', frame, decimals, coarse.newestSlot());
    this.newestMs = Math.max(this.newestMs, frame.at);
    this.changes += 1;
  }

  /** Stores a column, and repeats the one before it (its slot; -1: none) over a short pause. Gives the slot. */
  private write(relief: Relief, level: 'fine' | 'coarse', frame: ReliefFrame, decimals: number, before: number): number {
    const unit = 10 ** -decimals;
    const number = Math.floor(frame.at / relief.stepMs);
    const last = before < 0 ? Infinity : relief.stamp[before]!;
    if (number - last > 1 && (number - last) * relief.stepMs <= BRIDGE_MS) {
      relief.extend(before, (number - 1) * relief.stepMs);
      for (let n = last + 1; n < number; n += 1) this.painter?.column(level, n % relief.columns);
    }
    // after a longer one the fine ring begins anew: what lies before is drawn from the coarse one, which is filled in later
    if (level === 'fine' && (number - last) * relief.stepMs > BRIDGE_MS) relief.oldest = number;
    const bid = frame.bestBid === null ? NaN : frame.bestBid * unit;
    const ask = frame.bestAsk === null ? NaN : frame.bestAsk * unit;
    const slot = relief.put(frame.at, frame.first, frame.row * unit, bid, ask, frame.split, frame.sizes);
    if (slot < 0) return before;
    this.painter?.column(level, slot);
    if (level === 'coarse') this.sizes.add(relief.sizes, slot * ROWS, relief.rows[slot]!);
    return slot;
  }

  trade(atMs: number, price: number, size: number, buy: boolean): void {
    for (const marks of this.marks) marks.add(atMs, price, size, buy);
    this.changes += 1;
  }

  /** Mean of the best prices of the newest column; NaN where there is none. */
  mid(): number {
    const { fine, coarse } = this.reliefs;
    const relief = fine.newest >= 0 ? fine : coarse;
    const slot = relief.newestSlot();
    return slot < 0 ? NaN : (relief.bid[slot]! + relief.ask[slot]!) / 2;
  }

  /** Height of the price window that suits a span: three times what mid moved, at least 40 rows, at most what is known. */
  naturalHeight(fromMs: number, toMs: number): number {
    const { coarse } = this.reliefs;
    const newest = coarse.newestSlot();
    if (newest < 0) return NaN;
    let low = Infinity;
    let high = -Infinity;
    let width = 0;
    let rows = 0;
    const step = Math.max(coarse.stepMs, Math.ceil((toMs - fromMs) / 400 / coarse.stepMs) * coarse.stepMs);
    for (let at = fromMs; at <= toMs + step; at += step) {
      const slot = at > toMs ? newest : coarse.slotAt(at);
      if (slot < 0 || coarse.rows[slot] === 0) continue;
      const mid = (coarse.bid[slot]! + coarse.ask[slot]!) / 2;
      if (mid < low) low = mid;
      if (mid > high) high = mid;
      width = coarse.width[slot]!;
      rows = coarse.rows[slot]!;
    }
    if (width === 0) return NaN;
    const wanted = Math.min(Math.max(2.6 * (high - low), width * 40), Math.max(width * rows * 0.95, 1.4 * (high - low)));
    // in steps, so that the window does not breathe with every tick
    return 1.25 ** Math.ceil(Math.log(wanted) / Math.log(1.25) - 1e-9);
  }
}
