// Which part of time and price a panel shows: pan, zoom, follow. Knows no drawing.

const SPAN_MIN_MS = 5_000;
const SPAN_MAX_MS = 4 * 3600_000;
/** How far from an edge, as a share of the height, mid may come before the window glides after it. */
const PRICE_ROOM = 0.22;

export class View {
  spanMs = 300_000;
  endMs = 0;
  low = 0;
  high = 1;
  /** The right edge follows the clock. */
  live = true;
  /** The price window follows mid. */
  follow = true;
  /** Set by a person's zoom; NaN: the data decides. */
  heightWanted = NaN;
  /** Counts changes, so that a drawer knows whether it must draw. */
  changes = 0;
  #glide = NaN;

  /** Right edge while live; `stepMs` keeps the edge on whole pixels so that nothing shimmers. */
  advance(nowMs: number, width: number): boolean {
    if (!this.live || width <= 0) return false;
    const pixel = this.spanMs / width;
    const end = Math.floor(nowMs / pixel) * pixel;
    if (end === this.endMs) return false;
    this.endMs = end;
    this.changes += 1;
    return true;
  }

  /** Keeps mid inside the middle of the window: still within a dead band, then it glides. */
  track(mid: number, natural: number): boolean {
    if (!this.follow || !(mid > 0)) return false;
    const height = Number.isFinite(this.heightWanted) ? this.heightWanted : natural;
    if (!(height > 0)) return false;
    const centre = (this.low + this.high) / 2;
    const now = this.high - this.low;
    const strange = Math.abs(now - height) > height * 0.25 || Math.abs(centre - mid) > height;
    if (strange) {
      this.#glide = NaN;
      return this.#setPrice(mid - height / 2, mid + height / 2);
    }
    const edge = now * (0.5 - PRICE_ROOM);
    if (Number.isNaN(this.#glide) && Math.abs(mid - centre) > edge) this.#glide = mid;
    if (Number.isNaN(this.#glide)) return false;
    this.#glide = mid;
    const left = this.#glide - centre;
    if (Math.abs(left) < now * 0.004) {
      this.#glide = NaN;
      return false;
    }
    const step = left * 0.14;
    return this.#setPrice(this.low + step, this.high + step);
  }

  #setPrice(low: number, high: number): boolean {
    if (!(high > low) || (low === this.low && high === this.high)) return false;
    this.low = low;
    this.high = high;
    this.changes += 1;
    return true;
  }

  /** Moves by pixels; panning in time to the future of `nowMs` returns to live. */
  pan(dx: number, dy: number, width: number, height: number, nowMs: number): void {
    if (dx !== 0) {
      const end = this.endMs - (dx * this.spanMs) / width;
      this.live = end >= nowMs;
      this.endMs = Math.min(end, nowMs);
    }
    if (dy !== 0) {
      const move = (dy * (this.high - this.low)) / height;
      this.low += move;
      this.high += move;
      this.follow = false;
    }
    this.changes += 1;
  }

  /** Zooms time around a share of the width (0 left, 1 right); live views keep their right edge. */
  zoomTime(factor: number, at: number, nowMs: number): void {
    const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, this.spanMs * factor));
    if (!this.live) {
      const fixed = this.endMs - this.spanMs * (1 - at);
      this.endMs = Math.min(fixed + span * (1 - at), nowMs);
    }
    this.spanMs = span;
    this.changes += 1;
  }

  /** Zooms price around a share of the height (0 top). */
  zoomPrice(factor: number, at: number, heightMin: number, heightMax: number): void {
    const height = this.high - this.low;
    const wanted = Math.min(heightMax, Math.max(heightMin, height * factor));
    const fixed = this.high - height * at;
    this.high = fixed + wanted * at;
    this.low = this.high - wanted;
    this.heightWanted = wanted;
    this.changes += 1;
  }

  /** Back to following the clock and mid, with the natural height. */
  reset(spanMs: number): void {
    this.spanMs = spanMs;
    this.live = true;
    this.follow = true;
    this.heightWanted = NaN;
    this.low = 0;
    this.high = 0;
    this.changes += 1;
  }

  /** Right edge at the clock again. */
  goLive(): void {
    this.live = true;
    this.changes += 1;
  }

  /** Shows this span ending then. */
  look(endMs: number, nowMs: number): void {
    this.live = endMs >= nowMs;
    this.endMs = Math.min(endMs, nowMs);
    this.changes += 1;
  }

  timeAt(x: number, width: number): number {
    return this.endMs - this.spanMs * (1 - x / width);
  }
  xOf(atMs: number, width: number): number {
    return (1 - (this.endMs - atMs) / this.spanMs) * width;
  }
  priceAt(y: number, height: number): number {
    return this.high - ((this.high - this.low) * y) / height;
  }
  yOf(price: number, height: number): number {
    return ((this.high - price) / (this.high - this.low)) * height;
  }
}
