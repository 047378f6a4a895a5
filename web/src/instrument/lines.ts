// A chart of metric columns over the view's time: lines, areas, own value axis, gaps where values are absent.

import { boxed, timeAxis } from './axes';
import { Board, Texts } from './canvas';
import type { Cross } from './cross';
import { faded, theme, type Theme } from './inks';
import { clock, placesOf, priceStep } from './ticks';
import type { Track } from './track';
import type { View } from './view';
import { fixed, short } from '../format';

export interface LineSpec {
  /** Column of the track. */
  index: number;
  /** Colour: a series of the theme (0..5), or a side. */
  ink: number | 'bid' | 'ask';
  /** Filled down to zero. */
  area?: boolean;
  /** Drawn below zero. */
  mirrored?: boolean;
  dashed?: boolean;
}

export interface ChartSpec {
  lines: LineSpec[];
  /** Bounds that never change. */
  range?: [number, number];
  /** Zero stays in the middle. */
  centred?: boolean;
  /** Zero stays in sight. */
  zero?: boolean;
  /** Places of the values; otherwise as few letters as do. */
  decimals?: number;
}

const FOOT_REM = 1.35;
const AXIS_REM = 4.7;
/** The axis shrinks when the values need less than this share of it. */
const SHRINK = 0.55;

export class LineChart {
  plotWidth = 10;
  plotHeight = 10;
  utc = false;
  doubt = false;
  readonly shown: boolean[];
  readonly cost = { drawn: 0, ms: 0 };
  spec: ChartSpec;
  readonly #board: Board;
  readonly #track: Track;
  readonly #view: View;
  readonly #cross: Cross;
  readonly #times = new Texts();
  readonly #values = new Texts();
  #low = NaN;
  #high = NaN;
  #seen = { view: -1, track: -1, cross: -1, board: -1, shown: '', theme: null as Theme | null, doubt: false };
  #at = 0;

  constructor(canvas: HTMLCanvasElement, track: Track, view: View, cross: Cross, spec: ChartSpec) {
    this.#board = new Board(canvas);
    this.#track = track;
    this.#view = view;
    this.#cross = cross;
    this.spec = spec;
    this.shown = spec.lines.map(() => true);
  }

  get canvas(): HTMLCanvasElement {
    return this.#board.canvas;
  }

  destroy(): void {
    this.#board.destroy();
  }

  /** Draws if anything changed; new points alone at most four times a second. */
  frame(nowMs: number): void {
    const now = theme();
    const { width, height } = this.#board;
    if (width < 40 || height < 30) return;
    this.plotWidth = Math.max(10, Math.floor(width - now.rem * AXIS_REM));
    this.plotHeight = Math.max(10, Math.floor(height - now.rem * FOOT_REM));
    const seen = this.#seen;
    const shown = this.shown.join();
    const clockDue = performance.now() - this.#at >= 240;
    const moved = this.#view.changes !== seen.view && (!this.#view.live || clockDue);
    const fed = this.#track.changes !== seen.track && clockDue;
    const other =
      this.#cross.changes !== seen.cross || this.#board.changes !== seen.board || shown !== seen.shown ||
      now !== seen.theme || this.doubt !== seen.doubt;
    if (!moved && !fed && !other) return;
    seen.view = this.#view.changes;
    seen.track = this.#track.changes;
    seen.cross = this.#cross.changes;
    seen.board = this.#board.changes;
    seen.shown = shown;
    seen.theme = now;
    seen.doubt = this.doubt;
    this.#at = performance.now();
    this.#draw(now, nowMs);
    this.cost.drawn += 1;
    this.cost.ms += performance.now() - this.#at;
  }

  ink(now: Theme, line: LineSpec): string {
    return line.ink === 'bid' ? now.bid : line.ink === 'ask' ? now.ask : (now.series[line.ink] ?? now.text);
  }

  #draw(now: Theme, nowMs: number): void {
    const context = this.#board.begin();
    const start = this.#view.endMs - this.#view.spanMs;
    const from = Math.max(0, this.#track.from(start) - 1);
    const to = Math.min(this.#track.count, this.#track.from(this.#view.endMs) + 1);
    this.#fit(from, to);
    context.font = now.small;
    context.textBaseline = 'middle';
    this.#axes(context, now);
    context.save();
    context.beginPath();
    context.rect(0, 0, this.plotWidth, this.plotHeight);
    context.clip();
    this.#gaps(context, now, from, to);
    context.globalAlpha = this.doubt ? 0.45 : 1;
    for (let i = this.spec.lines.length - 1; i >= 0; i -= 1) if (this.shown[i]) this.#line(context, now, this.spec.lines[i]!, from, to);
    context.restore();
    this.#crossed(context, now);
    if (to - from < 2) {
      context.fillStyle = now.muted;
      context.textAlign = 'center';
      context.fillText(nowMs - this.#view.endMs > 1000 ? 'nothing recorded then' : 'waiting for values …', this.plotWidth / 2, this.plotHeight / 2);
    }
  }

  /** The value axis: grows at once, shrinks only when much too large, so that it does not breathe. */
  #fit(from: number, to: number): void {
    const { range, centred, zero, lines } = this.spec;
    if (range) {
      [this.#low, this.#high] = range;
      return;
    }
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < lines.length; i += 1) {
      if (!this.shown[i]) continue;
      const values = this.#track.values[lines[i]!.index]!;
      const sign = lines[i]!.mirrored ? -1 : 1;
      for (let k = from; k < to; k += 1) {
        const value = values[k]! * sign;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (low > high) return;
    if (zero || centred) {
      low = Math.min(low, 0);
      high = Math.max(high, 0);
    }
    if (centred) {
      const most = Math.max(-low, high);
      low = -most;
      high = most;
    }
    const pad = (high - low || Math.abs(high) * 1e-4 || 1) * 0.08;
    const wanted = high - low + 2 * pad;
    const now = this.#high - this.#low;
    const fits = low >= this.#low && high <= this.#high && wanted > now * SHRINK;
    if (fits) return;
    this.#low = zero && low === 0 ? 0 : low - pad;
    this.#high = zero && high === 0 ? 0 : high + pad;
  }

  #y(value: number): number {
    return ((this.#high - value) / (this.#high - this.#low)) * this.plotHeight;
  }

  #axes(context: CanvasRenderingContext2D, now: Theme): void {
    const view = this.#view;
    const { width } = this.#board;
    timeAxis(context, now, view, this.plotWidth, this.plotHeight, now.rem * 0.72, this.utc, this.#times);
    context.fillStyle = now.faint;
    context.beginPath();
    if (this.#high > this.#low) {
      const gap = priceStep(this.#high - this.#low, this.plotHeight, now.rem * 2.2, 1e-12);
      const places = placesOf(gap);
      const text = (n: number): string => {
        const value = n === 0 ? 0 : n * gap;
        return this.spec.decimals !== undefined || Math.abs(value) < 10_000 ? fixed(value, Math.min(8, places)) : short(value, 3);
      };
      context.textAlign = 'left';
      for (let n = Math.ceil(this.#low / gap); n * gap <= this.#high; n += 1) {
        const y = Math.round(this.#y(n * gap)) + 0.5;
        context.moveTo(0, y);
        context.lineTo(this.plotWidth, y);
        if (y > 5 && y < this.plotHeight - 3) context.fillText(this.#values.get(n, `${gap} ${this.spec.decimals}`, text), this.plotWidth + 5, y);
      }
    }
    context.stroke();
    context.strokeStyle = now.line;
    context.beginPath();
    context.moveTo(0, this.plotHeight + 0.5);
    context.lineTo(width, this.plotHeight + 0.5);
    context.moveTo(this.plotWidth + 0.5, 0);
    context.lineTo(this.plotWidth + 0.5, this.plotHeight);
    context.stroke();
    if (this.#low < 0 && this.#high > 0) {
      const y = Math.round(this.#y(0)) + 0.5;
      context.strokeStyle = faded(now.text, 0.28);
      context.beginPath();
      context.moveTo(0, y);
      context.lineTo(this.plotWidth, y);
      context.stroke();
    }
  }

  /** Where the first line has no value: hatched. */
  #gaps(context: CanvasRenderingContext2D, now: Theme, from: number, to: number): void {
    const first = this.spec.lines.findIndex((_, i) => this.shown[i]);
    if (first < 0) return;
    const values = this.#track.values[this.spec.lines[first]!.index]!;
    const { ats } = this.#track;
    context.fillStyle = pattern(context, now);
    let start = -1;
    for (let k = from; k <= to; k += 1) {
      const absent = k < to && Number.isNaN(values[k]!);
      if (absent && start < 0) start = k;
      if (absent || start < 0) continue;
      const x0 = this.#view.xOf(ats[start]!, this.plotWidth);
      const x1 = k < to ? this.#view.xOf(ats[k]!, this.plotWidth) : this.#view.xOf(ats[to - 1]!, this.plotWidth) + 2;
      context.fillRect(x0, 0, Math.max(1, x1 - x0), this.plotHeight);
      start = -1;
    }
  }

  #line(context: CanvasRenderingContext2D, now: Theme, line: LineSpec, from: number, to: number): void {
    const values = this.#track.values[line.index]!;
    const { ats } = this.#track;
    const sign = line.mirrored ? -1 : 1;
    const colour = this.ink(now, line);
    const zero = Math.min(this.plotHeight, Math.max(0, this.#y(0)));
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.lineJoin = 'round';
    if (line.dashed) context.setLineDash(DASHES);
    const bounded = line.area === true;
    let k = from;
    while (k < to) {
      while (k < to && Number.isNaN(values[k]!)) k += 1;
      if (k >= to) break;
      const begin = k;
      context.beginPath();
      let x = this.#view.xOf(ats[k]!, this.plotWidth);
      let y = this.#y(values[k]! * sign);
      const startX = x;
      context.moveTo(x, y);
      // points that share a pixel are drawn as the span they cover
      let pixel = Math.round(x);
      let low = y;
      let high = y;
      let count = 1;
      for (k += 1; k < to && !Number.isNaN(values[k]!); k += 1) {
        if (ats[k]! - ats[k - 1]! > GAP_MS) break;
        const nextX = this.#view.xOf(ats[k]!, this.plotWidth);
        const nextY = this.#y(values[k]! * sign);
        if (Math.round(nextX) === pixel) {
          if (nextY < low) low = nextY;
          if (nextY > high) high = nextY;
          count += 1;
        } else {
          if (count > 2) {
            context.lineTo(x, low);
            context.lineTo(x, high);
          }
          if (count > 1) context.lineTo(x, y);
          context.lineTo(nextX, nextY);
          pixel = Math.round(nextX);
          low = nextY;
          high = nextY;
          count = 1;
        }
        x = nextX;
        y = nextY;
      }
      if (k - begin === 1) context.lineTo(x + 1, y);
      context.stroke();
      if (bounded) {
        context.lineTo(x, zero);
        context.lineTo(startX, zero);
        context.fillStyle = faded(colour, 0.16);
        context.fill();
      }
    }
    context.setLineDash(SOLID);
    context.lineWidth = 1;
  }

  #crossed(context: CanvasRenderingContext2D, now: Theme): void {
    const { atMs } = this.#cross;
    if (Number.isNaN(atMs)) return;
    const x = Math.round(this.#view.xOf(atMs, this.plotWidth)) + 0.5;
    if (x < 0 || x > this.plotWidth) return;
    context.strokeStyle = faded(now.text, 0.55);
    context.setLineDash(DASHES);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, this.plotHeight);
    context.stroke();
    context.setLineDash(SOLID);
    const point = this.#track.at(atMs);
    if (point >= 0) {
      for (let i = 0; i < this.spec.lines.length; i += 1) {
        const line = this.spec.lines[i]!;
        const value = this.#track.values[line.index]![point]! * (line.mirrored ? -1 : 1);
        if (!this.shown[i] || Number.isNaN(value)) continue;
        context.fillStyle = this.ink(now, line);
        context.beginPath();
        context.arc(x, this.#y(value), 3, 0, 2 * Math.PI);
        context.fill();
      }
    }
    boxed(context, now, clock(atMs, 1, this.utc), x, this.plotHeight + now.rem * 0.72, this.plotWidth);
  }

  /** Point of the track that the legend speaks of: under the crosshair, else the newest in sight. */
  point(): number {
    const { atMs } = this.#cross;
    if (!Number.isNaN(atMs)) return this.#track.at(atMs);
    return this.#view.live ? this.#track.count - 1 : this.#track.at(this.#view.endMs);
  }

  /** What is in sight, as rows of text. */
  table(): string[][] {
    const rows = [['at', ...this.spec.lines.map((line) => this.#track.ids[line.index]!)]];
    const to = this.#track.from(this.#view.endMs);
    for (let k = this.#track.from(this.#view.endMs - this.#view.spanMs); k < to; k += 1) {
      const values = this.spec.lines.map((line) => this.#track.values[line.index]![k]!);
      rows.push([new Date(this.#track.ats[k]!).toISOString(), ...values.map((v) => (Number.isNaN(v) ? '' : String(v)))]);
    }
    return rows;
  }
}

/** Points further apart are not joined. */
const GAP_MS = 5_000;
const DASHES = [4, 4];
const SOLID: number[] = [];

let tile: CanvasPattern | null = null;
let tileOf: Theme | null = null;
/** Hatch for what is absent. */
function pattern(context: CanvasRenderingContext2D, now: Theme): CanvasPattern | string {
  if (tile && tileOf === now) return tile;
  const size = 8;
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext('2d')!;
  pen.strokeStyle = faded(now.text, 0.14);
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  tileOf = now;
  tile = context.createPattern(canvas, 'repeat');
  return tile ?? faded(now.text, 0.06);
}
