// Volume at price: what takers bought and sold at each price row, over the last minutes or since the start.

import type { Market } from '../data/store';
import type { Profile } from '../data/types';
import { fixed, short } from '../format';
import { Board, Texts } from './canvas';
import { faded, theme, type Theme } from './inks';
import { placesOf } from './ticks';

export interface Bar {
  price: number;
  buy: number;
  sell: number;
}

/**
 * Rows of a profile joined so that at most `limit` remain: whole groups of neighbouring rows, lowest price first, with
 * empty ones between, so that height stands for price.
 */
export function bars(rows: Profile['rolling'], row: number, limit: number): { bars: Bar[]; width: number } {
  if (rows.length === 0 || !(row > 0)) return { bars: [], width: row };
  let low = Infinity;
  let high = -Infinity;
  for (const { price } of rows) {
    const at = Math.round(Number(price) / row);
    low = Math.min(low, at);
    high = Math.max(high, at);
  }
  let times = 1;
  const nice = [1, 2, 5];
  for (let i = 1; Math.floor(high / times) - Math.floor(low / times) + 1 > Math.max(1, limit); i += 1) {
    times = nice[i % 3]! * 10 ** Math.floor(i / 3);
  }
  const first = Math.floor(low / times);
  const out: Bar[] = Array.from({ length: Math.floor(high / times) - first + 1 }, (_, i) => ({
    price: (first + i) * times * row, buy: 0, sell: 0,
  }));
  for (const { price, buy, sell } of rows) {
    const bar = out[Math.floor(Math.round(Number(price) / row) / times) - first]!;
    bar.buy += Number(buy);
    bar.sell += Number(sell);
  }
  return { bars: out, width: times * row };
}

export class ProfileBoard {
  session = false;
  readonly cost = { drawn: 0, ms: 0 };
  readonly #board: Board;
  readonly #prices = new Texts();
  #seen = '';
  #of: unknown = null;
  #bars: Bar[] = [];
  #width = 0;
  #hover = NaN;

  constructor(canvas: HTMLCanvasElement) {
    this.#board = new Board(canvas);
  }

  get canvas(): HTMLCanvasElement {
    return this.#board.canvas;
  }
  point(y: number): void {
    this.#hover = y;
  }
  destroy(): void {
    this.#board.destroy();
  }

  frame(market: Market, mid: number): void {
    const now = theme();
    const { width, height } = this.#board;
    if (width < 60 || height < 40) return;
    const profile = market.profile as Profile | null;
    const near = Math.round(mid * 1e4) / 1e4;
    const seen = `${this.#hover} ${this.#board.changes} ${this.session} ${now.panel}${now.bid} ${profile ? near : ''}`;
    if (seen === this.#seen && profile === this.#of) return;
    this.#seen = seen;
    this.#of = profile;
    const start = performance.now();
    const context = this.#board.begin();
    context.font = now.small;
    context.textBaseline = 'middle';
    const rows = profile ? (this.session ? profile.session : profile.rolling) : [];
    if (!profile || rows.length === 0) {
      context.fillStyle = now.muted;
      context.textAlign = 'center';
      const quiet = this.session ? 'no trades yet' : `no trades in the last ${profile?.rolling_seconds ?? 180} s`;
      context.fillText(profile ? quiet : 'waiting for trades …', width / 2, height / 2);
      return;
    }
    const made = bars(rows, Number(profile.row), Math.floor(height / 6));
    this.#bars = made.bars;
    this.#width = made.width;
    this.#draw(context, now, market, mid);
    this.cost.drawn += 1;
    this.cost.ms += performance.now() - start;
  }

  #draw(context: CanvasRenderingContext2D, now: Theme, market: Market, mid: number): void {
    const { width, height } = this.#board;
    const list = this.#bars;
    const tall = height / list.length;
    const gutter = now.rem * 5.2;
    const room = width - gutter - 6;
    let most = 0;
    let heaviest = 0;
    list.forEach((bar, i) => {
      if (bar.buy + bar.sell > most) {
        most = bar.buy + bar.sell;
        heaviest = i;
      }
    });
    const places = Math.min(market.info.price_decimals, placesOf(this.#width));
    const every = Math.max(1, Math.ceil((now.rem * 1.5) / tall));
    const hovered = Number.isNaN(this.#hover) ? -1 : list.length - 1 - Math.floor(this.#hover / tall);
    for (let i = 0; i < list.length; i += 1) {
      const bar = list[i]!;
      const y = height - (i + 1) * tall;
      const h = Math.max(1, tall - (tall > 4 ? 1 : 0));
      const buy = (bar.buy / most) * room;
      const sell = (bar.sell / most) * room;
      context.globalAlpha = i === heaviest || i === hovered ? 1 : 0.62;
      context.fillStyle = now.bid;
      context.fillRect(gutter, y, buy, h);
      context.fillStyle = now.ask;
      context.fillRect(gutter + buy, y, sell, h);
      context.globalAlpha = 1;
      if ((list.length - 1 - i) % every === 0 || i === hovered) {
        context.textAlign = 'right';
        context.fillStyle = i === heaviest ? now.text : now.faint;
        const text = this.#prices.get(bar.price, `${places}`, (price) => fixed(price, places));
        if (y + tall / 2 > 6 && y + tall / 2 < height - 5) context.fillText(text, gutter - 6, y + tall / 2);
      }
    }
    const lowest = list[0]!.price;
    const y = height - ((mid - lowest) / this.#width) * tall;
    if (y > 0 && y < height) {
      context.strokeStyle = faded(now.text, 0.6);
      context.beginPath();
      context.moveTo(gutter, Math.round(y) + 0.5);
      context.lineTo(width, Math.round(y) + 0.5);
      context.stroke();
    }
    this.#told(context, now, market, list[hovered] ?? list[heaviest]!, hovered >= 0 && hovered < list.length, places);
  }

  /** The row under the pointer, else the heaviest. */
  #told(context: CanvasRenderingContext2D, now: Theme, market: Market, bar: Bar, hovered: boolean, places: number): void {
    const unit = market.info.size_unit === 'contracts' ? 'contr.' : market.info.base;
    const text = `${hovered ? '' : 'most at '}${fixed(bar.price, places)}: ● ${short(bar.buy, 3)}  ◆ ${short(bar.sell, 3)} ${unit}`;
    const wide = context.measureText(text).width + 10;
    const x = this.#board.width - wide - 4;
    context.fillStyle = faded(now.raised, 0.92);
    context.fillRect(x, 4, wide, now.rem * 1.4);
    context.fillStyle = now.text;
    context.textAlign = 'left';
    context.fillText(text, x + 5, 4 + now.rem * 0.72);
  }

  table(): string[][] {
    return [['price', 'bought', 'sold'], ...this.#bars.map((bar) => [String(bar.price), String(bar.buy), String(bar.sell)])];
  }
}
