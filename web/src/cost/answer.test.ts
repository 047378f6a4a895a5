import { expect, it } from 'vitest';
import { Rows } from '../instrument/ladder';
import { orderOf } from '../instrument/to_cost';
import { depthOf } from '../instrument/walk_mark';
import type { Instrument } from '../data/types';
import { allIn, cheapest, fitting, levelsTo, reached, walkOf, worseBps, type CostAnswer } from './answer';

function answer(changes: Partial<CostAnswer>): CostAnswer {
  return { symbol: 'x', side: 'buy', fully_filled: true, levels_consumed: 2, vwap: 101.2, limit: null, quantity_filled: 10, notional_filled: 1012, fee: 1, ...changes } as CostAnswer;
}

it('the price with the fee in is dearer for a buyer and less for a seller', () => {
  expect(allIn(answer({}))).toBeCloseTo(101.3, 12);
  expect(allIn(answer({ side: 'sell' }))).toBeCloseTo(101.1, 12);
  expect(allIn(answer({ fee: null }))).toBeNull();
  expect(allIn(answer({ quantity_filled: 0 }))).toBeNull();
});

it('the cheapest is found by that price, among those that fill all of it', () => {
  const [a, b, c] = [answer({ symbol: 'a' }), answer({ symbol: 'b', notional_filled: 1010 }), answer({ symbol: 'c', notional_filled: 900, fully_filled: false })];
  expect(cheapest([a, b, c, null])).toBe(b);
  expect(cheapest([a, c, null])).toBeNull();
  const sales = [a, b].map((one) => ({ ...one, side: 'sell' as const }));
  expect(cheapest(sales)).toBe(sales[0]);
  expect(worseBps(a, b)).toBeCloseTo((101.3 / 101.1 - 1) * 1e4, 9);
  expect(worseBps(sales[1]!, sales[0]!)).toBeCloseTo((1 - 100.9 / 101.1) * 1e4, 9);
  expect(worseBps(c, b)).toBeNull();
  expect(worseBps(a, null)).toBeNull();
});

it('a walk is what the ladder marks: rows, or groups that hold a price of it', () => {
  const fill = (price: number): NonNullable<CostAnswer['fills']>[number] => ({ price, qty: 5, cumulative_qty: null, cumulative_cost: null });
  const buy = walkOf(answer({ fills: [fill(101), fill(101.4)], limit: 102 }), 1)!;
  expect(buy).toEqual({ bids: false, worst: 1014, vwap: 1012, limit: 1020, levels: 2, cut: false });
  expect([1010, 1014, 1015].map((price) => reached(buy, price, 0))).toEqual([true, true, false]);
  // groups of asks are named by their upper edge
  expect([1010, 1020, 1030].map((price) => reached(buy, price, 10))).toEqual([true, true, false]);
  const sell = walkOf(answer({ side: 'sell', fills: [fill(99), fill(98.6)] }), 1)!;
  expect([990, 986, 985].map((price) => reached(sell, price, 0))).toEqual([true, true, false]);
  expect([990, 980, 970].map((price) => reached(sell, price, 10))).toEqual([true, true, false]);
  expect(walkOf(answer({ fills: [] }), 1)).toBeNull();
  const rests = walkOf(answer({ fills: [], vwap: null, limit: 99, levels_consumed: 0 }), 1)!;
  expect(rests).toEqual({ bids: false, worst: null, vwap: null, limit: 990, levels: 0, cut: false });
  expect([reached(rests, 990, 0), reached(rests, 990, 10)]).toEqual([false, false]);
  expect(walkOf(answer({ fills: [fill(101)] }), 1)?.cut).toBe(true);
});

it('price groups follow how far a walk reaches, and do not flutter', () => {
  const walk = { bids: false, worst: 1100, vwap: null, limit: null, levels: 8, cut: false };
  const room = { steps: [0, 2, 5, 10, 20], deep: 10, best: 1000, span: 500, rows: 10, limitLevels: 0 };
  expect(fitting(walk, room, 0)).toBe(0);
  expect(fitting({ ...walk, levels: 50 }, room, 0)).toBe(4);
  expect(fitting({ ...walk, levels: 50 }, { ...room, rows: 30 }, 0)).toBe(2);
  // single levels and fine groups are received only so far
  expect(fitting(walk, { ...room, span: 90, rows: 30 }, 0)).toBe(3);
  // 8 of 10 rows: still what it was; 6 of 10: finer
  expect(fitting(walk, room, 4)).toBe(4);
  expect(fitting({ ...walk, levels: 6 }, room, 4)).toBe(0);
  expect(fitting({ ...walk, worst: 9000, levels: 900 }, room, 0)).toBe(4);
  // a limit is kept in sight, unless it is too far away for any group
  expect(fitting({ ...walk, limit: 1150 }, { ...room, limitLevels: 40 }, 0)).toBe(4);
  expect(fitting({ ...walk, limit: 1150 }, { ...room, limitLevels: 9 }, 0)).toBe(0);
  expect(fitting({ ...walk, limit: 9000 }, { ...room, limitLevels: 99 }, 0)).toBe(0);
  expect(levelsTo(1020, Float64Array.of(1000, 1010, 1020, 1030), 4, false)).toBe(3);
  expect(levelsTo(1010, Float64Array.of(1030, 1020, 1010, 1000), 4, true)).toBe(3);
});

it('a price lies among the rows where its neighbours say', () => {
  const rows = new Rows();
  rows.prices.set([1000, 1010, 1030]);
  rows.count = 3;
  expect([1000, 1010, 1020, 1030, 1031].map((price) => depthOf(rows, false, price))).toEqual([0.5, 1.5, 2, 2.5, 3]);
  rows.prices.set([1000, 990, 970]);
  expect([1005, 995, 960].map((price) => depthOf(rows, true, price))).toEqual([0.5, 1, 3]);
});

it('a row of the ladder becomes the order that trades through to it', () => {
  const info = { price_decimals: 2, size_decimals: 5, size_unit: 'base' } as Instrument;
  expect(orderOf({ tier: 'vip1' }, info, { bids: false, price: 6_160_201, sum: 1.5 })).toMatchObject({ side: 'buy', type: 'market', size: '1.5', limit: '61602.01', tier: 'vip1' });
  expect(orderOf({ notional: '5' }, { ...info, size_unit: 'contracts' }, { bids: true, price: 6_160_201, sum: 120 })).toMatchObject({ side: 'sell', contracts: '120' });
});
