// The ladder on its canvas: asks above, bids below, sums, walls, trades at price; hover and drag read costs.

import type { Market } from '../data/store';
import { fixed, short, unitsText } from '../format';
import { Board, Texts } from './canvas';
import { Percentiles } from './contrast';
import { faded, theme, type Theme } from './inks';
import { Rows, Traded } from './ladder';
import type { Walk } from '../cost/answer';
import { markWalk, type Half } from './walk_mark';

/** A wall: this many times the running median of the sizes shown. */
const WALL = 6;
/** Window of what was traded at a price, ms. */
export const TRADED_MS = 60_000;
const ROW_REM = 1.3;
const HEAD_REM = 1.5;
const MIDDLE_REM = 2;

/** Numbers of the instrument that the API has worked out; NaN where absent. */
export interface Middle {
  spread: number;
  spreadBps: number;
  mid: number;
}

export class LadderBoard {
  /** Units per group; 0: levels as they are. */
  step = 0;
  /** Why it may not be believed. */
  doubt: string | null = null;
  /** An order that is walked through the book. */
  walk: Walk | null = null;
  readonly asks = new Rows();
  readonly bids = new Rows();
  readonly cost = { drawn: 0, ms: 0 };
  /** Receive time of what was drawn last, unix ms. */
  drawnAt = 0;
  readonly #board: Board;
  readonly #traded = new Traded(TRADED_MS);
  readonly #typical = new Percentiles(20_000);
  readonly #before = new Map<number, number>();
  readonly #prices = new Texts();
  readonly #sizes = new Texts();
  readonly #sums = new Texts();
  readonly #tradedTexts = new Texts();
  #hover = NaN;
  #dragFrom = NaN;
  #dragTo = NaN;
  #seen = '';
  #tall = 18;
  #depth = 0;
  #middleY = 0;
  #typicalAt = -1;
  /** Worths are taken at the middle of rows. */
  #about = false;

  constructor(canvas: HTMLCanvasElement) {
    this.#board = new Board(canvas);
  }

  destroy(): void {
    this.#board.destroy();
  }

  get canvas(): HTMLCanvasElement {
    return this.#board.canvas;
  }

  /** Pointer at a height of the canvas; NaN: gone. */
  point(y: number): void {
    this.#hover = y;
    if (!Number.isNaN(this.#dragFrom) && !Number.isNaN(y)) this.#dragTo = y;
  }
  grab(y: number): void {
    this.#dragFrom = y;
    this.#dragTo = y;
  }
  release(): void {
    if (Math.abs(this.#dragTo - this.#dragFrom) < this.#tall) this.#dragFrom = NaN;
  }
  clearDrag(): void {
    this.#dragFrom = NaN;
  }
  /** Rows of a side that there is room for. */
  get depth(): number {
    return this.#depth;
  }
  /** The row at a height, with the sum of sizes down to it. */
  at(y: number): { bids: boolean; price: number; sum: number } | null {
    const found = this.#rowAt(y);
    return found && { bids: found.bids, price: found.rows.prices[found.row]!, sum: found.rows.sums[found.row]! };
  }
  get dragging(): boolean {
    return !Number.isNaN(this.#dragFrom);
  }

  /** Draws if anything changed. */
  frame(market: Market, middle: Middle, nowMs: number): void {
    const now = theme();
    const { width, height } = this.#board;
    if (width < 40 || height < 60) return;
    const { book } = market;
    const seen = `${book.version} ${market.trades.total} ${this.#hover} ${this.#dragFrom} ${this.#dragTo} ${this.step} ${this.#board.changes} ${this.doubt} ${now.bid}${now.panel} ${walkSeen(this.walk)}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const start = performance.now();
    this.#tall = Math.max(14, Math.round(now.rem * ROW_REM));
    const head = now.rem * HEAD_REM;
    const middleTall = now.rem * MIDDLE_REM;
    const depth = Math.max(1, Math.floor((height - head - middleTall) / 2 / this.#tall));
    this.#depth = depth;
    this.#middleY = head + depth * this.#tall;
    const unit = 10 ** -market.info.price_decimals;
    const lot = 10 ** -market.info.size_decimals;
    const column = market.relief.newest;
    this.#about = column !== undefined && this.step > 0 && this.step % column.row === 0;
    if (this.#about && column) {
      const times = this.step / column.row;
      this.asks.fillRelief(column, false, times, depth, unit);
      this.bids.fillRelief(column, true, times, depth, unit);
    } else {
      this.asks.fill(book.asks, false, this.step, depth, unit, lot);
      this.bids.fill(book.bids, true, this.step, depth, unit, lot);
    }
    if (book.version !== this.#typicalAt) {
      this.#typicalAt = book.version;
      this.#typical.add(floats(this.asks), 0, this.asks.count);
      this.#typical.add(floats(this.bids), 0, this.bids.count);
    }
    this.#traded.update(market.trades, this.step, nowMs);
    this.#draw(now, market, middle);
    this.#remember();
    this.drawnAt = book.at;
    this.cost.drawn += 1;
    this.cost.ms += performance.now() - start;
  }

  #remember(): void {
    this.#before.clear();
    for (const rows of [this.asks, this.bids]) {
      for (let i = 0; i < rows.count; i += 1) this.#before.set(rows.prices[i]!, rows.sizes[i]!);
    }
  }

  #draw(now: Theme, market: Market, middle: Middle): void {
    const context = this.#board.begin();
    const { width, height } = this.#board;
    context.textBaseline = 'middle';
    context.font = now.small;
    context.fillStyle = now.faint;
    const x = this.#columns(width);
    const y = (now.rem * HEAD_REM) / 2;
    const { info } = market;
    context.textAlign = 'left';
    context.fillText(`Price ${info.quote}`, x.price, y);
    context.textAlign = 'right';
    context.fillText(`Size ${info.size_unit === 'contracts' ? 'contr.' : info.base}`, x.size, y);
    if (x.sum > 0) context.fillText('Sum', x.sum, y);
    if (x.traded > 0) context.fillText('Traded', x.traded, y);
    const most = Math.max(this.asks.largest, this.bids.largest, 1e-12);
    const deep = Math.max(this.asks.sums[this.asks.count - 1] ?? 0, this.bids.sums[this.bids.count - 1] ?? 0, 1e-12);
    const wall = this.#typical.at(0.5) * WALL;
    context.globalAlpha = this.doubt ? 0.55 : 1;
    this.#side(context, now, market, this.asks, false, most, deep, wall);
    this.#side(context, now, market, this.bids, true, most, deep, wall);
    if (this.walk) this.#walked(context, now, market, this.walk, width);
    this.#middle(context, now, market, middle, width);
    context.globalAlpha = 1;
    if (this.doubt) this.#hatch(context, now, width, height);
    if (this.dragging) this.#dragged(context, now, market, width);
    else if (!Number.isNaN(this.#hover)) this.#hovered(context, now, market, width, middle.mid);
  }

  #columns(width: number): { price: number; size: number; sum: number; traded: number } {
    if (width < 210) return { price: 6, size: width - 6, sum: 0, traded: 0 };
    const { rem } = theme();
    const traded = width >= rem * 20 ? width - 6 : 0;
    const right = traded > 0 ? width - rem * 4.6 : width - 6;
    return { price: 8, size: right - Math.max(rem * 5, (right - rem * 6) * 0.48), sum: right, traded };
  }

  /** Top of a row's box. */
  #top(row: number, bids: boolean): number {
    return bids ? this.#middleY + theme().rem * MIDDLE_REM + row * this.#tall : this.#middleY - (row + 1) * this.#tall;
  }

  #side(
    context: CanvasRenderingContext2D, now: Theme, market: Market, rows: Rows, bids: boolean,
    most: number, deep: number, wall: number,
  ): void {
    const { width } = this.#board;
    const x = this.#columns(width);
    const colour = bids ? now.bid : now.ask;
    const soft = bids ? now.bidSoft : now.askSoft;
    const tall = this.#tall;
    const room = x.traded > 0 ? x.sum + 6 : width;
    const places = sizePlaces(market.info.size_decimals, most);
    const key = `${places}`;
    const priceKey = `${market.info.price_decimals}`;
    for (let i = 0; i < rows.count; i += 1) {
      const y = this.#top(i, bids);
      const middle = y + tall / 2 + 0.5;
      const size = rows.sizes[i]!;
      const price = rows.prices[i]!;
      context.fillStyle = soft;
      context.globalAlpha *= 0.45;
      const sumWide = (rows.sums[i]! / deep) * room;
      context.fillRect(room - sumWide, y, sumWide, tall);
      context.globalAlpha /= 0.45;
      const wide = (size / most) * room;
      context.fillStyle = soft;
      context.fillRect(room - wide, y + 1, wide, tall - 2);
      const before = this.#before.get(price);
      if (before !== undefined && before !== size) {
        context.fillStyle = faded(colour, 0.16);
        context.fillRect(0, y, room, tall);
      }
      const big = wall > 0 && size >= wall;
      if (big) {
        context.fillStyle = colour;
        context.fillRect(room - wide, y + 1, 3, tall - 2);
        context.fillRect(0, y + 1, 3, tall - 2);
      }
      context.font = big || i === 0 ? now.strong : now.normal;
      context.fillStyle = colour;
      context.textAlign = 'left';
      const text = this.#prices.get(price, priceKey, (units) => unitsText(units, market.info.price_decimals));
      context.fillText(text, x.price, middle);
      context.textAlign = 'right';
      context.fillStyle = size > 0 ? now.text : now.faint;
      context.fillText(size > 0 ? this.#sizes.get(size, key, (s) => fixed(s, places)) : '·', x.size, middle);
      context.font = now.normal;
      if (x.sum > 0) {
        context.fillStyle = now.muted;
        context.fillText(this.#sums.get(round(rows.sums[i]!), key, (s) => (s < 1e5 ? fixed(s, places) : short(s, 4))), x.sum, middle);
      }
      if (x.traded > 0) this.#tradedAt(context, now, market, price, x.traded, y, middle);
    }
  }

  #walked(context: CanvasRenderingContext2D, now: Theme, market: Market, walk: Walk, width: number): void {
    const side = (bids: boolean): Half => {
      const first = this.#top(0, bids);
      const [edge, outward] = bids ? [first, this.#tall] : [first + this.#tall, -this.#tall];
      return { rows: bids ? this.bids : this.asks, bids, edge, outward, end: bids ? this.#board.height : now.rem * HEAD_REM };
    };
    const decimals = market.info.price_decimals;
    markWalk(context, now, walk, this.step, width, side, (units) => unitsText(Math.round(units), decimals));
  }

  #tradedAt(context: CanvasRenderingContext2D, now: Theme, market: Market, price: number, right: number, y: number, middle: number): void {
    const traded = this.#traded.at(price);
    if (!traded) return;
    const all = traded.bought + traded.sold;
    if (all <= 0) return;
    const wide = now.rem * 3.8;
    const bought = (traded.bought / all) * wide;
    context.fillStyle = now.bid;
    context.fillRect(right - wide, y + this.#tall - 3, bought, 2);
    context.fillStyle = now.ask;
    context.fillRect(right - wide + bought, y + this.#tall - 3, wide - bought, 2);
    context.fillStyle = now.text;
    context.fillText(this.#tradedTexts.get(round(market.size(all)), 'traded', (s) => short(s, 3)), right, middle);
  }

  /** Between the sides: last trade and spread. */
  #middle(context: CanvasRenderingContext2D, now: Theme, market: Market, { spread, spreadBps }: Middle, width: number): void {
    const top = this.#middleY;
    const tall = now.rem * MIDDLE_REM;
    context.fillStyle = now.raised;
    context.fillRect(0, top, width, tall);
    context.strokeStyle = now.line;
    context.strokeRect(-1, top + 0.5, width + 2, tall - 1);
    const { trades } = market;
    const y = top + tall / 2 + 0.5;
    context.textAlign = 'left';
    if (trades.total > 0) {
      const slot = trades.slot(trades.total - 1);
      const buy = trades.buys[slot] === 1;
      context.fillStyle = buy ? now.bid : now.ask;
      context.font = `600 ${Math.round(now.rem * 1.12)}px ${now.font}`;
      context.fillText(`${buy ? '▲' : '▼'} ${unitsText(trades.prices[slot]!, market.info.price_decimals)}`, 8, y);
    }
    context.font = now.small;
    context.fillStyle = now.muted;
    context.textAlign = 'right';
    const decimals = market.info.price_decimals;
    if (Number.isFinite(spread) && width > 230) {
      const bps = Number.isFinite(spreadBps) ? `  ${fixed(spreadBps, 3)} bps` : '';
      context.fillText(`spread ${fixed(spread, decimals)}${bps}`, width - 6, y);
    }
    context.font = now.normal;
  }

  #hatch(context: CanvasRenderingContext2D, now: Theme, width: number, height: number): void {
    context.strokeStyle = faded(now.text, 0.07);
    context.lineWidth = 3;
    context.beginPath();
    for (let x = -height; x < width; x += 11) {
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
    }
    context.stroke();
    context.lineWidth = 1;
    const words = this.doubt ?? '';
    const tall = now.rem * 1.9;
    const y = this.#middleY + (now.rem * MIDDLE_REM - tall) / 2;
    context.fillStyle = now.panel;
    context.fillRect(4, y, width - 8, tall);
    context.strokeStyle = now.warning;
    context.strokeRect(4.5, y + 0.5, width - 9, tall - 1);
    context.fillStyle = now.warning;
    context.textAlign = 'center';
    context.fillText(words, width / 2, y + tall / 2, width - 20);
    context.lineWidth = 1;
  }

  /** Side and row at a height. */
  #rowAt(y: number): { rows: Rows; bids: boolean; row: number } | null {
    const below = this.#middleY + theme().rem * MIDDLE_REM;
    if (y >= below) {
      const row = Math.floor((y - below) / this.#tall);
      return row < Math.min(this.bids.count, this.#depth) ? { rows: this.bids, bids: true, row } : null;
    }
    if (y < this.#middleY) {
      const row = Math.floor((this.#middleY - y) / this.#tall);
      return row < Math.min(this.asks.count, this.#depth) ? { rows: this.asks, bids: false, row } : null;
    }
    return null;
  }

  /** What it takes to trade through to the row under the pointer. */
  hoverWords(market: Market, mid: number): string[] | null {
    const at = this.#rowAt(this.#hover);
    if (!at) return null;
    const { rows, bids, row } = at;
    const size = rows.sums[row]!;
    const worth = rows.worths[row]!;
    const { base, quote, price_decimals: decimals } = market.info;
    const contract = market.info.size_unit === 'contracts';
    const mean = worth / size;
    const about = this.#about ? '≈ ' : '';
    const words = [`${bids ? 'sell' : 'buy'} to ${unitsText(rows.prices[row]!, decimals)}`];
    words.push(`${short(size, 5)} ${contract ? 'contracts' : base}`);
    if (!contract) words.push(`${about}${short(worth, 5)} ${quote}`);
    if (size > 0) words.push(`mean ${about}${fixed(mean, decimals)}`);
    if (size > 0 && mid > 0) words.push(`${about}${fixed(((bids ? mid - mean : mean - mid) / mid) * 1e4, 2)} bps from mid`);
    return words;
  }

  #hovered(context: CanvasRenderingContext2D, now: Theme, market: Market, width: number, mid: number): void {
    const at = this.#rowAt(this.#hover);
    const words = this.hoverWords(market, mid);
    if (!at || !words) return;
    const y = this.#top(at.row, at.bids);
    const from = at.bids ? this.#top(0, true) : y;
    const to = at.bids ? y + this.#tall : this.#top(0, false) + this.#tall;
    context.fillStyle = faded(at.bids ? now.bid : now.ask, 0.1);
    context.fillRect(0, from, width, to - from);
    context.strokeStyle = at.bids ? now.bid : now.ask;
    context.strokeRect(0.5, y + 0.5, width - 1, this.#tall - 1);
    this.#box(context, now, words, width, at.bids ? y - 6 : y + this.#tall + 6, at.bids);
  }

  #dragged(context: CanvasRenderingContext2D, now: Theme, market: Market, width: number): void {
    const from = Math.min(this.#dragFrom, this.#dragTo);
    const to = Math.max(this.#dragFrom, this.#dragTo);
    let size = 0;
    let worth = 0;
    let levels = 0;
    for (const rows of [this.asks, this.bids]) {
      for (let i = 0; i < rows.count; i += 1) {
        const y = this.#top(i, rows === this.bids);
        if (y + this.#tall <= from || y > to) continue;
        size += rows.sizes[i]!;
        worth += rows.worths[i]! - (i > 0 ? rows.worths[i - 1]! : 0);
        if (rows.sizes[i]! > 0) levels += 1;
      }
    }
    context.fillStyle = now.dark ? 'rgb(255 255 255 / 0.08)' : 'rgb(0 0 0 / 0.07)';
    context.fillRect(0, from, width, to - from);
    context.strokeStyle = now.accent;
    context.strokeRect(0.5, from + 0.5, width - 1, Math.max(1, to - from - 1));
    const { base, quote } = market.info;
    const contract = market.info.size_unit === 'contracts';
    const words = [`${levels} ${this.step > 0 ? 'groups' : 'levels'}`, `${short(size, 5)} ${contract ? 'contracts' : base}`];
    if (!contract) words.push(`${short(worth, 5)} ${quote}`);
    this.#box(context, now, words, width, to + 6, false);
  }

  #box(context: CanvasRenderingContext2D, now: Theme, words: string[], width: number, y: number, above: boolean): void {
    const line = now.rem * 1.25;
    let wide = 0;
    for (const text of words) wide = Math.max(wide, context.measureText(text).width);
    wide += now.rem * 1.2;
    const tall = words.length * line + now.rem * 0.5;
    const left = Math.max(2, Math.min(width - wide - 2, width * 0.3));
    let top = above ? y - tall : y;
    top = Math.max(2, Math.min(this.#board.height - tall - 2, top));
    context.fillStyle = faded(now.raised, 0.96);
    context.fillRect(left, top, wide, tall);
    context.strokeStyle = now.lineStrong;
    context.strokeRect(left + 0.5, top + 0.5, wide - 1, tall - 1);
    context.fillStyle = now.text;
    context.textAlign = 'left';
    for (let i = 0; i < words.length; i += 1) {
      context.fillText(words[i]!, left + now.rem * 0.6, top + now.rem * 0.25 + (i + 0.5) * line);
    }
  }

  /** What is shown, as rows of text. */
  table(market: Market): string[][] {
    const out = [['side', 'price', 'size', 'sum', 'worth']];
    const price = (units: number): string => (units / 10 ** market.info.price_decimals).toFixed(market.info.price_decimals);
    for (const rows of [this.asks, this.bids]) {
      for (let i = 0; i < rows.count; i += 1) {
        const size = rows.sizes[i]!.toFixed(market.info.size_decimals);
        const sum = rows.sums[i]!.toFixed(market.info.size_decimals);
        out.push([rows === this.bids ? 'bid' : 'ask', price(rows.prices[i]!), size, sum, rows.worths[i]!.toFixed(2)]);
      }
    }
    return out;
  }
}

function walkSeen(walk: Walk | null): string {
  return walk ? `${walk.bids} ${walk.worst} ${walk.vwap} ${walk.limit} ${walk.levels}` : '';
}

/** Places that keep the largest shown size to about seven digits. */
function sizePlaces(decimals: number, most: number): number {
  const whole = Math.max(0, Math.floor(Math.log10(Math.max(1, most))));
  return Math.max(0, Math.min(decimals, 5 - whole));
}

/** Four digits are shown of sums: what differs beyond them is the same text. */
function round(value: number): number {
  if (!(value > 0)) return 0;
  const step = 10 ** (Math.floor(Math.log10(value)) - 4);
  return Math.round(value / step) * step;
}

const scratch = new Float32Array(1024);
function floats(rows: Rows): Float32Array {
  for (let i = 0; i < rows.count; i += 1) scratch[i] = rows.sizes[i]!;
  return scratch;
}
