// The depth curve: what rests up to each price, from the newest column of the relief, so that it reaches half a percent.

import type { Market } from '../data/store';
import { fixed, short, unitsText } from '../format';
import { Board, Texts } from './canvas';
import { faded, theme, type Theme } from './inks';
import { Rows } from './ladder';
import { placesOf, priceStep } from './ticks';

const FOOT_REM = 1.35;
const AXIS_REM = 3.6;

export class DepthBoard {
  doubt: string | null = null;
  readonly cost = { drawn: 0, ms: 0 };
  readonly #board: Board;
  readonly #bids = new Rows();
  readonly #asks = new Rows();
  readonly #texts = new Texts();
  readonly #sizes = new Texts();
  #hover = NaN;
  #seen = '';
  #most = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#board = new Board(canvas);
  }

  get canvas(): HTMLCanvasElement {
    return this.#board.canvas;
  }

  point(x: number): void {
    this.#hover = x;
  }

  destroy(): void {
    this.#board.destroy();
  }

  frame(market: Market): void {
    const now = theme();
    const { width, height } = this.#board;
    if (width < 60 || height < 50) return;
    const seen = `${market.relief.total} ${this.#hover} ${this.#board.changes} ${now.panel}${now.bid} ${this.doubt === null}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const start = performance.now();
    const context = this.#board.begin();
    context.font = now.small;
    context.textBaseline = 'middle';
    const column = market.relief.newest;
    if (!column || column.sizes.length === 0) {
      context.fillStyle = now.muted;
      context.textAlign = 'center';
      context.fillText(this.doubt ?? 'waiting for the first column …', width / 2, height / 2);
      return;
    }
    const unit = 10 ** -market.info.price_decimals;
    this.#bids.fillRelief(column, true, 1, 256, unit);
    this.#asks.fillRelief(column, false, 1, 256, unit);
    this.#draw(context, now, market, column.row);
    this.cost.drawn += 1;
    this.cost.ms += performance.now() - start;
  }

  #draw(context: CanvasRenderingContext2D, now: Theme, market: Market, row: number): void {
    const bids = this.#bids;
    const asks = this.#asks;
    const wide = Math.floor(this.#board.width - now.rem * AXIS_REM);
    const tall = Math.floor(this.#board.height - now.rem * FOOT_REM);
    const low = bids.count > 0 ? bids.prices[bids.count - 1]! : asks.prices[0]! - row;
    const high = asks.count > 0 ? asks.prices[asks.count - 1]! : bids.prices[0]! + row;
    const top = Math.max(bids.sums[bids.count - 1] ?? 0, asks.sums[asks.count - 1] ?? 0);
    if (!(high > low) || !(top > 0)) return;
    // the scale grows at once and shrinks only when much too large
    if (top > this.#most || top < this.#most * 0.6) this.#most = top * 1.1;
    const x = (price: number): number => ((price - low) / (high - low)) * wide;
    const y = (size: number): number => tall - (size / this.#most) * tall;
    this.#axes(context, now, market, wide, tall, low, high, x, y);
    context.globalAlpha = this.doubt ? 0.4 : 1;
    this.#steps(context, bids, row, true, now.bid, tall, x, y);
    this.#steps(context, asks, row, false, now.ask, tall, x, y);
    context.globalAlpha = 1;
    this.#hovered(context, now, market, wide, tall, low, high, row);
  }

  #steps(
    context: CanvasRenderingContext2D, rows: Rows, row: number, bids: boolean, colour: string, tall: number,
    x: (price: number) => number, y: (size: number) => number,
  ): void {
    if (rows.count === 0) return;
    const side = bids ? 1 : -1;
    context.beginPath();
    context.moveTo(x(rows.prices[0]! + side * row), tall);
    for (let i = 0; i < rows.count; i += 1) {
      context.lineTo(x(rows.prices[i]! + side * row), y(rows.sums[i]!));
      context.lineTo(x(rows.prices[i]!), y(rows.sums[i]!));
    }
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.stroke();
    context.lineWidth = 1;
    context.lineTo(x(rows.prices[rows.count - 1]!), tall);
    context.closePath();
    context.fillStyle = faded(colour, 0.18);
    context.fill();
  }

  #axes(
    context: CanvasRenderingContext2D, now: Theme, market: Market, wide: number, tall: number, low: number, high: number,
    x: (price: number) => number, y: (size: number) => number,
  ): void {
    const decimals = market.info.price_decimals;
    const unit = 10 ** decimals;
    context.strokeStyle = faded(now.text, now.dark ? 0.07 : 0.09);
    context.fillStyle = now.faint;
    context.beginPath();
    const step = priceStep((high - low) / unit, wide, now.rem * 6, 1 / unit);
    const places = Math.min(decimals, placesOf(step));
    context.textAlign = 'center';
    for (let n = Math.ceil(low / unit / step); n * step * unit <= high; n += 1) {
      const at = Math.round(x(n * step * unit)) + 0.5;
      context.moveTo(at, 0);
      context.lineTo(at, tall);
      if (at > now.rem * 2 && at < wide - now.rem) {
        context.fillText(this.#texts.get(n, `${step}`, (k) => fixed(k * step, places)), at, tall + now.rem * 0.72);
      }
    }
    const gap = priceStep(this.#most, tall, now.rem * 2.2, 1e-12);
    context.textAlign = 'left';
    for (let n = 1; n * gap < this.#most; n += 1) {
      const at = Math.round(y(n * gap)) + 0.5;
      context.moveTo(0, at);
      context.lineTo(wide, at);
      if (at > 6) context.fillText(this.#sizes.get(n, `${gap}`, (k) => short(k * gap, 3)), wide + 5, at);
    }
    context.stroke();
    context.strokeStyle = now.line;
    context.strokeRect(-1, -1, wide + 1.5, tall + 1.5);
  }

  #hovered(
    context: CanvasRenderingContext2D, now: Theme, market: Market, wide: number, tall: number, low: number, high: number, row: number,
  ): void {
    if (Number.isNaN(this.#hover) || this.#hover > wide) return;
    const price = low + (this.#hover / wide) * (high - low);
    const bids = price < (this.#asks.prices[0] ?? Infinity) - row;
    const rows = bids ? this.#bids : this.#asks;
    let at = 0;
    while (at < rows.count - 1 && (bids ? rows.prices[at]! > price : rows.prices[at]! < price)) at += 1;
    if (rows.count === 0) return;
    const { base, quote, price_decimals: decimals } = market.info;
    const contract = market.info.size_unit === 'contracts';
    context.strokeStyle = faded(now.text, 0.55);
    context.beginPath();
    context.moveTo(Math.round(this.#hover) + 0.5, 0);
    context.lineTo(Math.round(this.#hover) + 0.5, tall);
    context.stroke();
    const words = [unitsText(rows.prices[at]!, decimals), `${short(rows.sums[at]!, 4)} ${contract ? 'contracts' : base}`];
    if (!contract) words.push(`≈ ${short(rows.worths[at]!, 4)} ${quote}`);
    let room = 0;
    for (const text of words) room = Math.max(room, context.measureText(text).width);
    room += now.rem;
    const line = now.rem * 1.2;
    const left = this.#hover + room + 10 > wide ? this.#hover - room - 8 : this.#hover + 8;
    context.fillStyle = faded(now.raised, 0.95);
    context.fillRect(left, 6, room, line * words.length + 6);
    context.strokeStyle = now.lineStrong;
    context.strokeRect(left + 0.5, 6.5, room - 1, line * words.length + 5);
    context.fillStyle = now.text;
    context.textAlign = 'left';
    words.forEach((text, i) => context.fillText(text, left + now.rem * 0.5, 9 + (i + 0.5) * line));
  }

  table(market: Market): string[][] {
    const out = [['side', 'price', 'size_up_to_here']];
    for (const rows of [this.#bids, this.#asks]) {
      for (let i = 0; i < rows.count; i += 1) {
        const price = (rows.prices[i]! / 10 ** market.info.price_decimals).toFixed(market.info.price_decimals);
        out.push([rows === this.#bids ? 'bid' : 'ask', price, String(rows.sums[i]!)]);
      }
    }
    return out;
  }
}
