// The heatmap as a whole: heat and marks by a painter, axes, scale, current book and crosshair on a canvas above it.

import { Board, Texts, observe } from './canvas';
import { boxed, readout, timeAxis } from './axes';
import type { Cross } from './cross';
import type { HeatFeed } from './feed';
import { heatTable, heatWords, type HeatInfo, type Note } from './heat_words';
import { faded, theme, type Theme } from './inks';
import { CanvasPainter } from './paint_2d';
import { GlPainter } from './paint_gl';
import { cloudFor, gammaFor, type Look, type Painter } from './painter';
import { ROWS } from './relief';
import { clock, placesOf, priceStep } from './ticks';
import type { View } from './view';
import { fixed, short } from '../format';

/** Room of the axes and of the current book's bars, in rem. */
const AXIS_REM = 5.4;
const BARS_REM = 4.6;
const FOOT_REM = 1.5;
/** New columns alone are drawn at most this often. */
const REDRAW_MS = 240;

export interface HeatSettings {
  /** Share of the sizes that lie below the brightest colour. */
  clip: number;
  marks: boolean;
  lines: boolean;
}

export class Heatmap {
  readonly settings: HeatSettings = { clip: 0.995, marks: true, lines: true };
  info: HeatInfo = { priceDecimals: 2, sizeDecimals: 3, tick: 0, unit: '' };
  notes: Note[] = [];
  utc = false;
  /** Why the newest part cannot be vouched for; null while it can. */
  doubt: string | null = null;
  /** The plot's size in pixels of the page; the rest are axes and bars. */
  plotWidth = 0;
  plotHeight = 0;
  readonly painter: Painter;
  /** Cost: pictures drawn and the time they took on this thread, ms. */
  readonly heatCost = { drawn: 0, ms: 0 };
  readonly overCost = { drawn: 0, ms: 0 };
  /** Device pixels of the plot's width. */
  get pixels(): number {
    return this.#heat.width;
  }
  readonly #heat: HTMLCanvasElement;
  readonly #over: Board;
  readonly #feed: HeatFeed;
  readonly #view: View;
  readonly #cross: Cross;
  readonly #look: Look = {
    floor: 0, clip: 1, gamma: 0.6, marks: true, lines: true, markSize: 1, markRadius: 12, ratio: 1,
  };
  readonly #observer: ResizeObserver;
  readonly #times = new Texts();
  readonly #prices = new Texts();
  readonly #scale = new Texts();
  #theme: Theme | null = null;
  #seen = { view: -1, feed: -1, cross: -1, size: -1, settings: '' };
  #ramp: HTMLCanvasElement | null = null;
  #natural = NaN;
  #naturalAt = -1;
  #drawnAt = 0;

  constructor(heat: HTMLCanvasElement, over: HTMLCanvasElement, feed: HeatFeed, view: View, cross: Cross, plain = false) {
    this.#heat = heat;
    this.#over = new Board(over);
    this.#feed = feed;
    this.#view = view;
    this.#cross = cross;
    this.painter = choose(heat, feed, plain);
    feed.painter = this.painter;
    this.painter.reload();
    this.#observer = observe(over, () => this.#measure());
  }

  #measure(): void {
    const rem = this.#theme?.rem ?? 13;
    this.plotWidth = Math.max(10, Math.floor(this.#over.width - rem * (AXIS_REM + this.#barsRem())));
    this.plotHeight = Math.max(10, Math.floor(this.#over.height - rem * FOOT_REM));
  }

  #barsRem(): number {
    return this.#over.width < 500 ? 2.4 : BARS_REM;
  }

  /** Draws what changed since the last frame. */
  frame(): void {
    const now = theme();
    const themed = now !== this.#theme;
    if (themed) {
      this.#theme = now;
      this.painter.theme(now.map, now.inks);
      this.#ramp = null;
      this.#measure();
    }
    const { width, height, ratio } = this.#over;
    if (width < 20 || height < 20) return;
    const view = this.#view;
    const sized = this.#fit(ratio);
    this.#follow();
    const seen = this.#seen;
    const settings = this.settings;
    const chosen = `${settings.clip} ${settings.marks} ${settings.lines}`;
    const moved = view.changes !== seen.view || chosen !== seen.settings || sized || themed;
    const fed = this.#feed.changes !== seen.feed;
    const crossed = this.#cross.changes !== seen.cross || this.#over.changes !== seen.size;
    // a new column alone waits for the next step of the clock, when the picture moves anyway
    const due = moved || (fed && performance.now() - this.#drawnAt >= REDRAW_MS);
    if (!due && !crossed) return;
    seen.view = view.changes;
    if (due) seen.feed = this.#feed.changes;
    seen.cross = this.#cross.changes;
    seen.size = this.#over.changes;
    seen.settings = chosen;
    if (due) this.#drawHeat();
    const start = performance.now();
    this.#drawOver(now);
    this.overCost.drawn += 1;
    this.overCost.ms += performance.now() - start;
  }

  #fit(ratio: number): boolean {
    const width = Math.round(this.plotWidth * ratio);
    const height = Math.round(this.plotHeight * ratio);
    if (this.#heat.width === width && this.#heat.height === height) return false;
    this.#heat.width = width;
    this.#heat.height = height;
    this.#heat.style.width = `${this.plotWidth}px`;
    this.#heat.style.height = `${this.plotHeight}px`;
    return true;
  }

  #follow(): void {
    const view = this.#view;
    if (!view.follow) return;
    if (this.#feed.changes !== this.#naturalAt || Number.isNaN(this.#natural)) {
      this.#naturalAt = this.#feed.changes;
      this.#natural = this.#feed.naturalHeight(view.endMs - view.spanMs, view.endMs);
    }
    const middle = view.live ? this.#feed.mid() : this.#midAt(view.endMs - view.spanMs / 2);
    view.track(middle, this.#natural);
  }

  #midAt(atMs: number): number {
    const found = this.#feed.reliefs.find(atMs);
    return found ? (found.relief.bid[found.slot]! + found.relief.ask[found.slot]!) / 2 : NaN;
  }

  /** Draws the heat again, whether or not anything changed. */
  redraw(): void {
    this.#drawHeat();
  }

  #drawHeat(): void {
    const start = performance.now();
    this.#drawnAt = start;
    const look = this.#look;
    const { sizes, marks } = this.#feed;
    look.floor = 0;
    look.clip = sizes.at(this.settings.clip) || 1;
    look.gamma = gammaFor(sizes.at(0.5), look.clip);
    look.marks = this.settings.marks;
    look.lines = this.settings.lines;
    look.ratio = this.#over.ratio * Math.max(1, (this.#theme?.rem ?? 13) / 14);
    look.markSize = marks[cloudFor(marks, this.#view.spanMs, this.plotWidth)]!.scale;
    look.markRadius = Math.min(13, 5 + this.plotHeight / 90) * this.#over.ratio;
    this.painter.draw(this.#view, look);
    this.heatCost.drawn += 1;
    this.heatCost.ms += performance.now() - start;
  }

  #drawOver(now: Theme): void {
    const context = this.#over.begin();
    context.font = now.normal;
    context.textBaseline = 'middle';
    context.lineWidth = 1;
    timeAxis(context, now, this.#view, this.plotWidth, this.plotHeight, now.rem * 0.8, this.utc, this.#times);
    this.#priceAxis(context, now);
    this.#bars(context, now);
    this.#legend(context, now);
    this.#notes(context, now);
    this.#tags(context, now);
    if (this.doubt) this.#doubtful(context, now, this.doubt);
    this.#crosshair(context, now);
  }

  #priceAxis(context: CanvasRenderingContext2D, now: Theme): void {
    const view = this.#view;
    if (!(view.high > view.low)) return;
    const step = priceStep(view.high - view.low, this.plotHeight, now.rem * 3, this.info.tick || 10 ** -this.info.priceDecimals);
    const places = Math.min(this.info.priceDecimals, placesOf(step));
    const write = (number: number): string => fixed(number * step, places);
    const x = this.#axisX();
    context.strokeStyle = faded(now.text, now.dark ? 0.06 : 0.08);
    context.fillStyle = now.muted;
    context.textAlign = 'left';
    context.beginPath();
    for (let number = Math.ceil(view.low / step); number * step <= view.high; number += 1) {
      const y = Math.round(view.yOf(number * step, this.plotHeight)) + 0.5;
      context.moveTo(0, y);
      context.lineTo(this.plotWidth, y);
      context.moveTo(x - 4, y);
      context.lineTo(x, y);
      if (y > 6 && y < this.plotHeight - 4) context.fillText(this.#prices.get(number, `${step}`, write), x + 4, y);
    }
    context.stroke();
    context.strokeStyle = now.line;
    context.beginPath();
    context.moveTo(0, this.plotHeight + 0.5);
    context.lineTo(this.#over.width, this.plotHeight + 0.5);
    context.moveTo(this.plotWidth + 0.5, 0);
    context.lineTo(this.plotWidth + 0.5, this.plotHeight);
    context.moveTo(x + 0.5, 0);
    context.lineTo(x + 0.5, this.plotHeight);
    context.stroke();
  }

  #axisX(): number {
    return Math.floor(this.#over.width - (this.#theme?.rem ?? 13) * AXIS_REM);
  }

  /** The book now, as bars beside the heat. */
  #bars(context: CanvasRenderingContext2D, now: Theme): void {
    const { fine, coarse } = this.#feed.reliefs;
    const relief = fine.newest >= 0 ? fine : coarse;
    const slot = relief.newestSlot();
    if (slot < 0 || !(this.#view.high > this.#view.low)) return;
    const view = this.#view;
    const left = this.plotWidth + 1;
    const room = this.#axisX() - left - 2;
    const width = relief.width[slot]!;
    const tall = (width / (view.high - view.low)) * this.plotHeight;
    const count = relief.rows[slot]!;
    const split = relief.split[slot]!;
    const full = this.#look.clip * 1.35;
    context.globalAlpha = this.doubt ? 0.3 : 1;
    for (let side = 0; side < 2; side += 1) {
      context.fillStyle = faded(side === 0 ? now.bid : now.ask, 0.75);
      context.beginPath();
      for (let row = side === 0 ? 0 : split; row < (side === 0 ? split : count); row += 1) {
        const size = relief.sizes[slot * ROWS + row]!;
        const bottom = relief.bottom[slot]! + row * width;
        const y = view.yOf(bottom + width, this.plotHeight);
        if (size <= 0 || y + tall < 0 || y > this.plotHeight) continue;
        const top = Math.max(0, y);
        context.rect(left, top, Math.min(1, size / full) * room, Math.min(this.plotHeight, y + tall) - top - (tall > 3 ? 1 : 0));
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /** The colours with the sizes they stand for. */
  #legend(context: CanvasRenderingContext2D, now: Theme): void {
    if (this.#feed.sizes.empty) return;
    const wide = Math.min(now.rem * 11, this.plotWidth * 0.3);
    const x = now.rem * 0.75;
    const y = now.rem * 0.75;
    const tall = now.rem * 0.55;
    context.fillStyle = faded(now.panel, 0.72);
    context.fillRect(x - 6, y - 6, wide + 12, now.rem * 2.4);
    context.drawImage((this.#ramp ??= ramp(now.map)), x, y, wide, tall);
    context.strokeStyle = now.lineStrong;
    context.strokeRect(x - 0.5, y - 0.5, wide + 1, tall + 1);
    context.fillStyle = now.muted;
    context.font = now.small;
    const { floor, clip, gamma } = this.#look;
    const key = `${this.info.unit} ${gamma}`;
    const write = (share: number): string => short(floor + (clip - floor) * share, 2);
    const places: readonly number[] = wide > now.rem * 9 && this.info.unit.length < 5 ? SCALE_WIDE : SCALE_NARROW;
    for (const at of places) {
      const size = floor + (clip - floor) * at ** (1 / gamma);
      // labels are made anew only when the clip moved by a visible amount
      const share = Math.round(Math.log(Math.max(size, 1e-12)) * 40);
      const text = this.#scale.get(share, key, () => write(at ** (1 / gamma)));
      context.textAlign = at === 0 ? 'left' : at === 1 ? 'right' : 'center';
      context.fillText(at === 0 ? '0' : at === 1 ? `≥ ${text} ${this.info.unit}` : text, x + at * wide, y + tall + now.rem * 0.8);
    }
    context.font = now.normal;
  }

  #notes(context: CanvasRenderingContext2D, now: Theme): void {
    const view = this.#view;
    context.fillStyle = now.warning;
    for (const note of this.notes) {
      const x = view.xOf(note.atMs, this.plotWidth);
      if (x < 0 || x > this.plotWidth) continue;
      context.beginPath();
      context.moveTo(x, this.plotHeight - 9);
      context.lineTo(x + 5, this.plotHeight - 1);
      context.lineTo(x - 5, this.plotHeight - 1);
      context.fill();
    }
  }

  /** Best bid and ask of the newest column on the price axis. */
  #tags(context: CanvasRenderingContext2D, now: Theme): void {
    const { fine, coarse } = this.#feed.reliefs;
    const relief = fine.newest >= 0 ? fine : coarse;
    const slot = relief.newestSlot();
    if (slot < 0 || this.doubt) return;
    const gap = now.rem * 0.62;
    const bid = this.#view.yOf(relief.bid[slot]!, this.plotHeight);
    const ask = this.#view.yOf(relief.ask[slot]!, this.plotHeight);
    const apart = Math.max(0, gap * 2 - (bid - ask)) / 2;
    if (Number.isFinite(ask)) this.#tag(context, now, ask - apart, relief.ask[slot]!, now.ask);
    if (Number.isFinite(bid)) this.#tag(context, now, bid + apart, relief.bid[slot]!, now.bid);
  }

  #tag(context: CanvasRenderingContext2D, now: Theme, y: number, price: number, colour: string): void {
    if (y < 0 || y > this.plotHeight) return;
    const x = this.#axisX() + 1;
    const half = now.rem * 0.62;
    context.fillStyle = colour;
    context.fillRect(x, y - half, this.#over.width - x, half * 2);
    context.fillStyle = now.dark ? '#06090e' : '#ffffff';
    context.textAlign = 'left';
    context.fillText(this.#tagText(price), x + 3, y + 0.5);
  }

  readonly #tagTexts = new Texts();
  readonly #writeTag = (price: number): string => fixed(price, this.info.priceDecimals);
  #tagText(price: number): string {
    return this.#tagTexts.get(price, TAG_KEYS[this.info.priceDecimals] ?? '', this.#writeTag);
  }

  #doubtful(context: CanvasRenderingContext2D, now: Theme, why: string): void {
    context.font = now.strong;
    const wide = Math.min(this.plotWidth - 20, context.measureText(why).width + now.rem * 1.6);
    const x = this.plotWidth - wide - 10;
    context.fillStyle = faded(now.panel, 0.9);
    context.fillRect(x, 10, wide, now.rem * 1.8);
    context.strokeStyle = now.warning;
    context.strokeRect(x + 0.5, 10.5, wide - 1, now.rem * 1.8 - 1);
    context.fillStyle = now.warning;
    context.textAlign = 'left';
    context.fillText(why, x + now.rem * 0.8, 10 + now.rem * 0.9, wide - now.rem * 1.6);
    context.font = now.normal;
  }

  #crosshair(context: CanvasRenderingContext2D, now: Theme): void {
    const { atMs, price } = this.#cross;
    if (Number.isNaN(atMs)) return;
    const view = this.#view;
    const x = Math.round(view.xOf(atMs, this.plotWidth)) + 0.5;
    const y = Math.round(view.yOf(price, this.plotHeight)) + 0.5;
    const across = x >= 0 && x <= this.plotWidth;
    const down = Number.isFinite(price) && y >= 0 && y <= this.plotHeight;
    context.strokeStyle = faded(now.text, 0.55);
    context.setLineDash(DASH);
    context.beginPath();
    if (across) {
      context.moveTo(x, 0);
      context.lineTo(x, this.plotHeight);
    }
    if (down) {
      context.moveTo(0, y);
      context.lineTo(this.#axisX(), y);
    }
    context.stroke();
    context.setLineDash(NO_DASH);
    context.textAlign = 'center';
    if (across) boxed(context, now, clock(atMs, 1, this.utc), x, this.plotHeight + now.rem * 0.8, this.plotWidth);
    if (down) {
      const text = fixed(price, this.info.priceDecimals);
      context.fillStyle = now.text;
      context.fillRect(this.#axisX() + 1, y - now.rem * 0.62, this.#over.width, now.rem * 1.24);
      context.fillStyle = now.panel;
      context.textAlign = 'left';
      context.fillText(text, this.#axisX() + 4, y);
    }
    if (across && down) readout(context, now, heatWords(this.#feed, view, this.plotWidth, this.plotHeight, this.info, this.settings.marks, this.notes, atMs, price), x, y, this.plotWidth, this.plotHeight);
  }

  /** The picture with its axes, for a file. */
  picture(): HTMLCanvasElement {
    const whole = document.createElement('canvas');
    const over = this.#over.canvas;
    whole.width = over.width;
    whole.height = over.height;
    const context = whole.getContext('2d')!;
    context.fillStyle = theme().panel;
    context.fillRect(0, 0, whole.width, whole.height);
    this.#drawHeat(); // a drawing buffer is only there to be read right after it was drawn
    context.drawImage(this.#heat, 0, 0);
    context.drawImage(over, 0, 0);
    return whole;
  }

  /** The columns in view as rows of text. */
  table(): string[][] {
    return heatTable(this.#feed, this.#view, this.info.priceDecimals);
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#over.destroy();
    this.#feed.painter = null;
    this.painter.destroy();
  }
}

const DASH = [4, 4];
const NO_DASH: number[] = [];
const SCALE_WIDE = [0, 0.5, 1] as const;
const SCALE_NARROW = [0, 1] as const;
const TAG_KEYS = Array.from({ length: 19 }, (_, places) => `tag ${places}`);

function choose(canvas: HTMLCanvasElement, feed: HeatFeed, plain: boolean): Painter {
  if (!plain) {
    try {
      return new GlPainter(canvas, feed);
    } catch (error) {
      console.info('the heatmap is drawn without WebGL2:', error);
    }
  }
  return new CanvasPainter(canvas, feed);
}

/** The map as a strip of pixels. */
function ramp(map: Uint8Array): HTMLCanvasElement {
  const strip = document.createElement('canvas');
  strip.width = map.length / 4;
  strip.height = 1;
  const context = strip.getContext('2d')!;
  context.putImageData(new ImageData(new Uint8ClampedArray(map), strip.width, 1), 0, 0);
  return strip;
}
