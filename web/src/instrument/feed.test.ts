import { describe, expect, it } from 'vitest';
import { Market } from '../data/store';
import type { Instrument } from '../data/types';
import type { ReliefFrame } from '../data/wire';
import { HeatFeed } from './feed';

const INFO = { index: 0, id: 'v:S', price_decimals: 1, size_decimals: 2 } as Instrument;
const column = (at: number, first = 100, sizes = [1, 2, 3, 4], snapshot = false): ReliefFrame => ({
  kind: 'relief', snapshot, validity: 0, instrument: 0, sequence: 1, at, row: 10, first, bestBid: 1015, bestAsk: 1020, split: 2,
  sizes: Float32Array.from(sizes),
});

describe('HeatFeed', () => {
  it('takes each column of the store once, in prices', () => {
    const feed = new HeatFeed();
    const market = new Market(INFO);
    market.relief.apply(column(10_000));
    expect(feed.take(market)).toBe(true);
    expect(feed.take(market)).toBe(false);
    expect(feed.mid()).toBeCloseTo(101.75);
    const { fine } = feed.reliefs;
    expect(fine.sizeIn(fine.slotAt(10_100), 102.5)).toBe(3);
  });

  it('bridges a short silence and leaves a long one blank', () => {
    const feed = new HeatFeed();
    const market = new Market(INFO);
    for (const at of [10_000, 11_500, 20_000]) market.relief.apply(column(at));
    feed.take(market);
    const { fine } = feed.reliefs;
    expect(fine.slotAt(11_000)).toBeGreaterThanOrEqual(0);
    expect(fine.slotAt(15_000)).toBe(-1);
    expect(fine.oldest).toBe(80);
  });

  it('puts the history before what was streamed, fills what a lost connection left out, and keeps what is there', () => {
    const feed = new HeatFeed();
    const market = new Market(INFO);
    market.relief.apply(column(10_000, 100, [9, 9, 9, 9]));
    market.relief.apply(column(20_000));
    feed.take(market);
    feed.history([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17].map((s) => column(s * 1000)), 1);
    const { coarse } = feed.reliefs;
    for (let at = 7_500; at < 20_500; at += 1000) expect(coarse.slotAt(at)).toBeGreaterThanOrEqual(0);
    expect(coarse.sizeIn(coarse.slotAt(10_500), 100.5)).toBe(9);
    expect(coarse.sizeIn(coarse.slotAt(15_500), 100.5)).toBe(1);
  });

  it('marks trades in buckets and starts anew with another market', () => {
    const feed = new HeatFeed();
    const market = new Market(INFO);
    market.trades.apply({
      kind: 'trades', snapshot: true, validity: 0, instrument: 0, sequence: 1, at: 1000,
      ats: Float64Array.from([1000, 1100]), prices: Float64Array.from([1010, 1020]), sizes: Float64Array.from([100, 300]), buys: Uint8Array.from([1, 1]),
    });
    feed.take(market);
    expect(feed.marks[0]!.priceOf(0)).toBeCloseTo(101.75);
    expect(feed.marks[0]!.sizeOf(0)).toBe(4);
    feed.take(new Market(INFO));
    expect(feed.marks[0]!.made).toBe(0);
  });

  it('suits the height of the price window to what mid moved, at least forty rows or all there are', () => {
    const feed = new HeatFeed();
    const market = new Market(INFO);
    market.relief.apply(column(10_000, 100, Array.from({ length: 200 }, () => 1)));
    feed.take(market);
    const height = feed.naturalHeight(0, 10_000);
    expect(height).toBeGreaterThanOrEqual(40);
    expect(height).toBeLessThan(40 * 1.25 + 1e-6);
  });
});
