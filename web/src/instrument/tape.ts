// Time and sales: the latest trades, newest first; large ones stand out by a bar and weight, sides by colour and shape.

import type { Market } from '../data/store';
import { short, unitsText } from '../format';
import { Board, Texts } from './canvas';
import { Percentiles } from './contrast';
import { faded, theme } from './inks';
import { clock } from './ticks';

const HEAD_REM = 1.5;
const ROW_REM = 1.35;
/** Share of the sizes seen that a large trade exceeds. */
const LARGE = 0.95;

export class TapeBoard {
  utc = false;
  /** Only trades above the large size. */
  largeOnly = false;
  /** Rows scrolled past. */
  offset = 0;
  readonly cost = { drawn: 0, ms: 0 };
  readonly #board: Board;
  readonly #sizes = new Percentiles(5000);
  readonly #one = new Float32Array(1);
  readonly #times = new Texts();
  readonly #prices = new Texts();
  readonly #amounts = new Texts();
  #taken = 0;
  #of: object | null = null;
  #seen = '';

  constructor(canvas: HTMLCanvasElement) {
    this.#board = new Board(canvas);
  }
  get canvas(): HTMLCanvasElement {
    return this.#board.canvas;
  }
  destroy(): void {
    this.#board.destroy();
  }

  frame(market: Market): void {
    const now = theme();
    const { width, height } = this.#board;
    if (width < 60 || height < 40) return;
    const { trades } = market;
    if (trades !== this.#of) {
      this.#of = trades;
      this.#taken = trades.first;
      this.#sizes.clear();
    }
    const seen = `${trades.total} ${this.#board.changes} ${this.offset} ${this.largeOnly} ${now.panel}${now.bid}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    for (let n = Math.max(this.#taken, trades.first); n < trades.total; n += 1) {
      this.#one[0] = trades.sizes[trades.slot(n)]!;
      this.#sizes.add(this.#one, 0, 1);
    }
    this.#taken = trades.total;
    const start = performance.now();
    const context = this.#board.begin();
    const tall = Math.max(13, Math.round(now.rem * ROW_REM));
    const head = now.rem * HEAD_REM;
    const { price_decimals: places, quote, base } = market.info;
    const contract = market.info.size_unit === 'contracts';
    const priceX = Math.min(width * 0.66, now.rem * 13);
    context.textBaseline = 'middle';
    context.font = now.small;
    context.fillStyle = now.faint;
    context.textAlign = 'left';
    context.fillText('Time', 8, head / 2);
    context.textAlign = 'right';
    context.fillText(`Price ${quote}`, priceX, head / 2);
    context.fillText(`Size ${contract ? 'contr.' : base}`, width - 8, head / 2);
    if (trades.total === 0) {
      context.textAlign = 'center';
      context.fillStyle = now.muted;
      context.fillText('no trades yet: they appear as they happen', width / 2, height / 2);
      return;
    }
    const large = this.#sizes.at(LARGE);
    const full = this.#sizes.at(0.995) || 1;
    let y = head;
    let skip = this.offset;
    for (let n = trades.total - 1; n >= trades.first && y < height; n -= 1) {
      const slot = trades.slot(n);
      const size = trades.sizes[slot]!;
      if (this.largeOnly && size < large) continue;
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      const buy = trades.buys[slot] === 1;
      const colour = buy ? now.bid : now.ask;
      const big = size >= large && large > 0;
      const share = Math.min(1, size / full);
      context.fillStyle = faded(colour, big ? 0.24 : 0.1);
      context.fillRect(width - share * (width - priceX), y, share * (width - priceX), tall - 1);
      const middle = y + tall / 2 + 0.5;
      context.textAlign = 'left';
      context.fillStyle = now.muted;
      context.font = now.small;
      context.fillText(this.#times.get(Math.floor(trades.ats[slot]!), `${this.utc}`, (at) => clock(at, 1, this.utc)), 8, middle);
      context.textAlign = 'right';
      context.font = big ? now.strong : now.normal;
      context.fillStyle = colour;
      context.fillText(this.#prices.get(trades.prices[slot]!, `${places}`, (units) => unitsText(units, places)), priceX, middle);
      context.fillText(buy ? '▲' : '▼', priceX + now.rem * 1.1, middle);
      context.fillStyle = now.text;
      context.fillText(this.#amounts.get(size, '', (units) => short(market.size(units), 4)), width - 8, middle);
      y += tall;
    }
    this.cost.drawn += 1;
    this.cost.ms += performance.now() - start;
  }

  /** What is kept, newest first, as rows of text. */
  table(market: Market): string[][] {
    const out = [['at', 'price', 'size', 'taker']];
    const { trades, info } = market;
    for (let n = trades.total - 1; n >= trades.first; n -= 1) {
      const slot = trades.slot(n);
      out.push([
        new Date(trades.ats[slot]!).toISOString(),
        market.price(trades.prices[slot]!).toFixed(info.price_decimals),
        market.size(trades.sizes[slot]!).toFixed(info.size_decimals),
        trades.buys[slot] === 1 ? 'buy' : 'sell',
      ]);
    }
    return out;
  }
}
