import { describe, expect, it } from 'vitest';
import { Book } from './book';
import { Relief, RELIEF_MAX, Spark, Trades, TRADES_MAX } from './rings';
import type { BookFrame, ReliefFrame, TradesFrame } from './wire';

const head = { validity: 0, instrument: 0, at: 1 };

describe('Book', () => {
  const frame = (snapshot: boolean, sequence: number, bids: [number, number][], asks: [number, number][]): BookFrame => ({
    kind: 'book', ...head, snapshot, sequence, bids: bids.length,
    prices: Float64Array.from([...bids, ...asks], ([p]) => p),
    sizes: Float64Array.from([...bids, ...asks], ([, s]) => s),
  });
  const levels = (side: Book['bids']) => Array.from({ length: side.length }, (_, i) => [side.prices[i], side.sizes[i]]);

  it('keeps both sides sorted best first whatever order changes come in', () => {
    const book = new Book();
    book.apply(frame(true, 1, [[100, 1], [99, 2]], [[101, 3], [102, 4]]));
    book.apply(frame(false, 2, [[98, 5], [100, 0], [99, 7]], [[101, 0], [103, 1], [100, 9]]));
    expect(levels(book.bids)).toEqual([[99, 7], [98, 5]]);
    expect(levels(book.asks)).toEqual([[100, 9], [102, 4], [103, 1]]);
    expect(book.bids.best).toBe(99);
    expect(book.asks.at(102)).toBe(4);
    expect(book.asks.at(101)).toBe(0);
  });

  it('forgets everything at a snapshot and grows beyond its first size', () => {
    const book = new Book();
    book.apply(frame(true, 1, [[5, 1]], []));
    book.apply(frame(true, 2, Array.from({ length: 700 }, (_, i) => [1000 - i, 1]), []));
    expect(book.bids.length).toBe(700);
    expect(book.bids.at(5)).toBe(0);
    expect(book.asks.best).toBeNull();
  });

  it('equals a map under random changes', () => {
    let seed = 7;
    const random = (n: number) => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8) % n;
    const book = new Book();
    const plain = new Map<number, number>();
    for (let i = 0; i < 5000; i++) {
      const [price, size] = [random(300), random(3)];
      book.apply(frame(false, i, [], [[price, size]]));
      if (size === 0) plain.delete(price);
      else plain.set(price, size);
    }
    expect(levels(book.asks)).toEqual([...plain].sort(([a], [b]) => a - b));
  });
});

describe('Trades', () => {
  const frame = (snapshot: boolean, ats: number[]): TradesFrame => ({
    kind: 'trades', ...head, snapshot, sequence: 1, ats: Float64Array.from(ats),
    prices: Float64Array.from(ats), sizes: Float64Array.from(ats), buys: Uint8Array.from(ats, () => 1),
  });

  it('does not repeat what a later snapshot brings again', () => {
    const trades = new Trades();
    trades.apply(frame(true, [1, 2, 2]));
    trades.apply(frame(false, [3]));
    trades.apply(frame(true, [2, 3, 4]));
    expect(trades.total).toBe(5);
    expect(trades.ats[4]).toBe(4);
  });

  it('begins anew when a replay goes back', () => {
    const trades = new Trades();
    trades.apply(frame(true, [10, 20, 30]));
    trades.apply(frame(true, [5, 6]));
    expect(trades.total).toBe(2);
    expect(trades.ats[1]).toBe(6);
  });

  it('keeps the newest when full', () => {
    const trades = new Trades();
    for (let i = 0; i < TRADES_MAX + 10; i++) trades.apply(frame(false, [i]));
    expect(trades.first).toBe(10);
    expect(trades.ats[trades.slot(trades.total - 1)]).toBe(TRADES_MAX + 9);
  });
});

describe('Relief', () => {
  const column = (at: number): ReliefFrame => ({
    kind: 'relief', validity: 0, instrument: 0, snapshot: false, sequence: at, at, row: 1, first: 0, bestBid: 1, bestAsk: 2, split: 0,
    sizes: new Float32Array(0),
  });

  it('keeps the newest columns in order of time', () => {
    const relief = new Relief();
    for (let at = 1; at <= RELIEF_MAX + 5; at++) relief.apply(column(at));
    relief.apply(column(3));
    expect(relief.total).toBe(RELIEF_MAX + 5);
    expect(relief.get(relief.first)?.at).toBe(6);
    expect(relief.newest?.at).toBe(RELIEF_MAX + 5);
    expect(relief.get(2)).toBeUndefined();
  });
});

describe('Spark', () => {
  it('keeps one value per step, the last of it, and gaps', () => {
    const spark = new Spark(3, 1000);
    for (const [at, value] of [[1000, 1], [1900, 2], [2100, NaN], [500, 9], [3000, 4], [4000, 5]] as const) spark.push(at, value);
    expect(spark.total).toBe(4);
    expect(spark.first).toBe(1);
    expect([...spark.ats]).toEqual([4000, 2000, 3000]);
    expect([...spark.values]).toEqual([5, NaN, 4]);
  });

  it('takes what was earlier in front, once', () => {
    const spark = new Spark(10, 1000);
    spark.push(5000, 5);
    spark.fill([3000, 4000, 5000, 6000], [3, 4, 99, 98]);
    expect([...spark.values.slice(0, spark.total)]).toEqual([3, 4, 5]);
  });
});
