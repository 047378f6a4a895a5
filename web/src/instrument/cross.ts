// The crosshair that all panels of a view share: the same instant, and where it has one the same price, everywhere.

export class Cross {
  /** Unix ms; NaN: the pointer is nowhere. */
  atMs = NaN;
  /** NaN where the panel under the pointer has no price axis. */
  price = NaN;
  /** Counts changes, for drawers. */
  changes = 0;

  set(atMs: number, price: number): void {
    if (Object.is(atMs, this.atMs) && Object.is(price, this.price)) return;
    this.atMs = atMs;
    this.price = price;
    this.changes += 1;
  }

  clear(): void {
    this.set(NaN, NaN);
  }
}
