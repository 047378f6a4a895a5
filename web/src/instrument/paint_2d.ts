// The heatmap on a plain canvas, for browsers without WebGL2: the same picture, computed pixel by pixel.

import { cloudFor, COARSE_FROM, COLUMNS_PER_PIXEL, ROWS_PER_PIXEL } from './painter';
import type { Drawn, Inks, Look, Painter, Rgb } from './painter';
import { SHADES } from './palette';
import { ROWS, type Relief, type Reliefs } from './relief';
import type { View } from './view';

/** Nothing was received for this place; the book could not be vouched for. */
export const UNKNOWN = -1;
export const DOUBTED = -2;

/** What one pixel column of the canvas shows: the slots under it. Filled anew for each, so that nothing is allocated. */
export class Slots {
  readonly relief: (Relief | null)[] = new Array<Relief | null>(COLUMNS_PER_PIXEL).fill(null);
  readonly slot = new Int32Array(COLUMNS_PER_PIXEL);
  count = 0;

  /** The columns between two instants, at most `COLUMNS_PER_PIXEL` of them: fine ones where there are any. */
  find(reliefs: Reliefs, fromMs: number, toMs: number): this {
    const fine = (toMs - fromMs) / reliefs.fine.stepMs < COARSE_FROM;
    const step = fine ? reliefs.fine.stepMs : reliefs.coarse.stepMs;
    const first = Math.floor(fromMs / step);
    const last = Math.min(Math.max(first, Math.floor(toMs / step - 1e-3)), first + COLUMNS_PER_PIXEL - 1);
    this.count = 0;
    for (let number = first; number <= last; number += 1) {
      let relief = fine ? reliefs.fine : reliefs.coarse;
      let slot = relief.slotAt((number + 0.5) * step);
      if (slot < 0 && fine) {
        relief = reliefs.coarse;
        slot = relief.slotAt((number + 0.5) * step);
      }
      if (slot < 0) continue;
      this.relief[this.count] = relief;
      this.slot[this.count] = slot;
      this.count += 1;
    }
    return this;
  }

  /** Mean over the columns of the largest size between two prices. */
  size(low: number, high: number): number {
    let sum = 0;
    let known = 0;
    let doubted = 0;
    for (let i = 0; i < this.count; i += 1) {
      const size = largest(this.relief[i]!, this.slot[i]!, low, high);
      if (size >= 0) {
        sum += size;
        known += 1;
      } else if (size === DOUBTED) doubted += 1;
    }
    return known > 0 ? sum / known : doubted > 0 ? DOUBTED : UNKNOWN;
  }
}

/** Largest size among a column's rows between two prices. */
export function largest(relief: Relief, slot: number, low: number, high: number): number {
  const count = relief.rows[slot]!;
  if (count === 0) return DOUBTED;
  const bottom = relief.bottom[slot]!;
  const width = relief.width[slot]!;
  let from = Math.floor((low - bottom) / width + 1e-4);
  let to = Math.floor((high - bottom) / width - 1e-4);
  if (to < 0 || from >= count) return UNKNOWN;
  from = Math.min(count - 1, Math.max(0, from));
  to = Math.min(Math.max(to, from), count - 1, from + ROWS_PER_PIXEL - 1);
  let most = 0;
  for (let row = from; row <= to; row += 1) most = Math.max(most, relief.sizes[slot * ROWS + row]!);
  return most;
}

/** Index of the colour of a size. */
export function shadeOf(size: number, look: Look): number {
  if (!(size > 0)) return 0;
  const share = Math.min(1, Math.max(0, (size - look.floor) / Math.max(1e-12, look.clip - look.floor)));
  return Math.round(share ** look.gamma * (SHADES - 1));
}

export class CanvasPainter implements Painter {
  readonly kind = 'canvas';
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #drawn: Drawn;
  readonly #slots = new Slots();
  #image: ImageData | null = null;
  #pixels = new Uint32Array(0);
  readonly #colours = new Uint32Array(SHADES);
  #ground = 0;
  #hatch = 0;
  #inks: Inks | null = null;
  #bid = '';
  #ask = '';
  #rim = '';

  constructor(canvas: HTMLCanvasElement, drawn: Drawn) {
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser draws no canvas');
    this.#canvas = canvas;
    this.#context = context;
    this.#drawn = drawn;
  }

  column(): void {}
  reload(): void {}
  destroy(): void {}

  theme(palette: Uint8Array, inks: Inks): void {
    this.#inks = inks;
    for (let i = 0; i < SHADES; i += 1) {
      this.#colours[i] = pack(palette[i * 4]!, palette[i * 4 + 1]!, palette[i * 4 + 2]!);
    }
    this.#ground = packed(inks.ground);
    this.#hatch = packed(inks.hatch);
    this.#bid = css(inks.bid);
    this.#ask = css(inks.ask);
    this.#rim = css(inks.rim);
  }

  draw(view: View, look: Look): void {
    const { width, height } = this.#canvas;
    if (!this.#inks || width === 0 || height === 0) return;
    if (!this.#image || this.#image.width !== width || this.#image.height !== height) {
      this.#image = this.#context.createImageData(width, height);
      this.#pixels = new Uint32Array(this.#image.data.buffer);
    }
    const perPixel = view.spanMs / width;
    const tall = (view.high - view.low) / height;
    const start = view.endMs - view.spanMs;
    for (let x = 0; x < width; x += 1) {
      const slots = this.#slots.find(this.#drawn.reliefs, start + x * perPixel, start + (x + 1) * perPixel);
      for (let y = 0; y < height; y += 1) {
        const top = view.high - y * tall;
        const size = slots.size(top - tall, top);
        this.#pixels[y * width + x] =
          size >= 0
            ? this.#colours[shadeOf(size, look)]!
            : size === DOUBTED && (x + height - y) % 9 < 2
              ? this.#hatch
              : this.#ground;
      }
    }
    this.#context.putImageData(this.#image, 0, 0);
    if (look.lines) {
      this.#line(view, look, 'bid', this.#bid);
      this.#line(view, look, 'ask', this.#ask);
    }
    if (look.marks) this.#marks(view, look);
  }

  #line(view: View, look: Look, side: 'bid' | 'ask', ink: string): void {
    const { width, height } = this.#canvas;
    const context = this.#context;
    const perPixel = view.spanMs / width;
    let open = false;
    context.beginPath();
    for (let x = 0; x < width; x += 1) {
      const found = this.#drawn.reliefs.find(view.endMs - view.spanMs + (x + 0.5) * perPixel);
      const price = found && found.relief.rows[found.slot]! > 0 ? found.relief[side][found.slot]! : NaN;
      if (Number.isNaN(price)) {
        open = false;
        continue;
      }
      const y = view.yOf(price, height);
      if (open) {
        context.lineTo(x, y);
      } else {
        context.moveTo(x, y);
        open = true;
      }
      context.lineTo(x + 1, y);
    }
    context.lineWidth = Math.max(1, look.ratio);
    context.strokeStyle = ink;
    context.stroke();
  }

  #marks(view: View, look: Look): void {
    const { width, height } = this.#canvas;
    const context = this.#context;
    const marks = this.#drawn.marks[cloudFor(this.#drawn.marks, view.spanMs, width / look.ratio)]!;
    context.globalAlpha = 0.7;
    context.strokeStyle = this.#rim;
    for (let mark = marks.made - marks.count; mark < marks.made; mark += 1) {
      const r = look.markRadius * Math.sqrt(Math.min(marks.sizeOf(mark) / Math.max(look.markSize, 1e-12), 1.6));
      const x = view.xOf(marks.timeOf(mark), width);
      const y = view.yOf(marks.priceOf(mark), height);
      if (r < 0.8 || x < -r || x > width + r || y < -r || y > height + r) continue;
      context.beginPath();
      if (marks.boughtOf(mark)) context.arc(x, y, r, 0, 2 * Math.PI);
      else {
        const reach = r * 1.2533;
        context.moveTo(x, y - reach);
        context.lineTo(x + reach, y);
        context.lineTo(x, y + reach);
        context.lineTo(x - reach, y);
        context.closePath();
      }
      context.fillStyle = marks.boughtOf(mark) ? this.#bid : this.#ask;
      context.fill();
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}

function pack(r: number, g: number, b: number): number {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
function packed([r, g, b]: Rgb): number {
  return pack(Math.round(r * 255), Math.round(g * 255), Math.round(b * 255));
}
function css([r, g, b]: Rgb): string {
  return `rgb(${Math.round(r * 255)} ${Math.round(g * 255)} ${Math.round(b * 255)})`;
}
