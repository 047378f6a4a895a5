// The aggregated book of a group on its canvas: each row's bar is divided among the venues that make it up.

import { decimalText, fixed, short } from '../format';
import { Board } from './canvas';
import { faded, theme, type Theme } from './inks';
import { groupBars, type GroupBar, type GroupBook } from './venues';

const HEAD_REM = 1.5;
const ROW_REM = 1.42;
const MIDDLE_REM = 1.6;

export class GroupBoard {
  readonly #board: Board;
  #seen = '';
  #hover = NaN;
  #top = 0;
  #tall = 18;
  #shown: { y: number; bar: GroupBar }[] = [];

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

  /** `version` goes up with every answer. */
  frame(book: GroupBook | null, ids: string[], base: string, quote: string, version: number): void {
    const now = theme();
    const { width, height } = this.#board;
    if (width < 60 || height < 60) return;
    const seen = `${version} ${this.#board.changes} ${this.#hover} ${now.panel}${now.bid} ${ids.length}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const context = this.#board.begin();
    context.font = now.small;
    context.textBaseline = 'middle';
    if (!book) {
      context.fillStyle = now.muted;
      context.textAlign = 'center';
      context.fillText('waiting for the books of the group …', width / 2, height / 2);
      return;
    }
    this.#tall = Math.max(14, Math.round(now.rem * ROW_REM));
    const head = now.rem * HEAD_REM;
    const middle = now.rem * MIDDLE_REM;
    const depth = Math.max(1, Math.floor((height - head - middle) / 2 / this.#tall));
    const bids = groupBars(book.bids.slice(0, depth), ids);
    const asks = groupBars(book.asks.slice(0, depth), ids);
    const most = Math.max(1e-12, ...bids.map((bar) => bar.size), ...asks.map((bar) => bar.size));
    context.fillStyle = now.faint;
    context.textAlign = 'left';
    context.fillText(`Price ${quote}`, 8, head / 2);
    context.textAlign = 'right';
    const sizeX = Math.max(now.rem * 11, width * 0.36);
    const sumX = sizeX + now.rem * 5;
    context.fillText(`Size ${base}`, sizeX, head / 2);
    context.fillText('Sum', sumX, head / 2);
    this.#top = head + depth * this.#tall;
    this.#shown = [];
    const room = width - sumX - 14;
    const draw = (bar: GroupBar, y: number, colour: string, best: boolean): void => {
      this.#shown.push({ y, bar });
      const mid = y + this.#tall / 2 + 0.5;
      context.font = best ? now.strong : now.normal;
      context.textAlign = 'left';
      context.fillStyle = colour;
      context.fillText(decimalText(bar.price), 8, mid);
      context.textAlign = 'right';
      context.fillStyle = now.text;
      context.fillText(bar.size >= 1e5 ? short(bar.size, 4) : fixed(bar.size, bar.size >= 1000 ? 1 : 4), sizeX, mid);
      context.fillStyle = now.muted;
      context.fillText(bar.sum >= 1e5 ? short(bar.sum, 4) : fixed(bar.sum, bar.sum >= 1000 ? 1 : 3), sumX, mid);
      let x = sumX + 10;
      bar.parts.forEach((part, i) => {
        const wide = (part / most) * room;
        context.fillStyle = venueInk(now, i);
        context.fillRect(x, y + 2, wide, this.#tall - 4);
        x += wide;
      });
    };
    asks.forEach((bar, i) => draw(bar, this.#top - (i + 1) * this.#tall, now.ask, i === 0));
    bids.forEach((bar, i) => draw(bar, this.#top + middle + i * this.#tall, now.bid, i === 0));
    this.#between(context, now, bids[0], asks[0], width, middle);
    this.#hovered(context, now, ids, base, width);
  }

  /** Bids above asks across venues are no error here: they are what an arbitrageur would see, and are said. */
  #between(context: CanvasRenderingContext2D, now: Theme, bid: GroupBar | undefined, ask: GroupBar | undefined, width: number, tall: number): void {
    context.fillStyle = now.raised;
    context.fillRect(0, this.#top, width, tall);
    if (!bid || !ask) return;
    const apart = Number(ask.price) - Number(bid.price);
    const places = Math.max(...[ask.price, bid.price].map((text) => text.split('.')[1]?.length ?? 0));
    context.font = now.small;
    context.textAlign = 'left';
    context.fillStyle = apart < 0 ? now.warning : now.muted;
    const words = apart < 0 ? `venues overlap by ${fixed(-apart, places)}` : `best ask − best bid ${fixed(apart, places)}`;
    context.fillText(words, 8, this.#top + tall / 2);
  }

  #hovered(context: CanvasRenderingContext2D, now: Theme, ids: string[], base: string, width: number): void {
    const found = this.#shown.find(({ y }) => this.#hover >= y && this.#hover < y + this.#tall);
    if (!found) return;
    context.strokeStyle = now.text;
    context.strokeRect(0.5, found.y + 0.5, width - 1, this.#tall - 1);
    const lines = ids.map((id, i) => `${id.split(':')[0]}  ${fixed(found.bar.parts[i], 5)} ${base}`);
    context.font = now.normal;
    const line = now.rem * 1.3;
    const wide = Math.max(...lines.map((text) => context.measureText(text).width)) + now.rem * 2.4;
    const tall = lines.length * line + now.rem * 0.6;
    const left = width - wide - 6;
    const top = Math.min(this.#board.height - tall - 2, found.y + this.#tall + 4);
    context.fillStyle = faded(now.raised, 0.96);
    context.fillRect(left, top, wide, tall);
    context.strokeStyle = now.lineStrong;
    context.strokeRect(left + 0.5, top + 0.5, wide - 1, tall - 1);
    context.textAlign = 'left';
    lines.forEach((text, i) => {
      const y = top + now.rem * 0.3 + (i + 0.5) * line;
      context.fillStyle = venueInk(now, i);
      context.fillRect(left + now.rem * 0.6, y - 4, 8, 8);
      context.fillStyle = now.text;
      context.fillText(text, left + now.rem * 1.6, y);
    });
  }
}

/** Colour of the i-th venue: neither side's colour stands first. */
export function venueInk(now: Theme, i: number): string {
  return now.series[[2, 3, 4, 5, 0, 1][i % 6]!]!;
}
