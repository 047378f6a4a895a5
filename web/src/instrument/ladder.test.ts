import { describe, expect, it } from 'vitest';
import { Side } from '../data/book';
import { Trades } from '../data/rings';
import { groupings, Rows, Traded } from './ladder';

function side(which: 'bid' | 'ask', levels: [number, number][]): Side {
  const made = new Side(which);
  for (const [price, size] of levels) made.set(price, size);
  return made;
}
const rows = (r: Rows): [number, number, number][] =>
  Array.from({ length: r.count }, (_, i) => [r.prices[i]!, r.sizes[i]!, r.sums[i]!]);

describe('Rows', () => {
  it('are the levels themselves without grouping, with running sums and worth', () => {
    const made = new Rows();
    made.fill(side('bid', [[1000, 2], [998, 3], [990, 5]]), true, 0, 10, 0.1, 0.5);
    expect(rows(made)).toEqual([[1000, 1, 1], [998, 1.5, 2.5], [990, 2.5, 5]]);
    expect(made.worths[1]).toBeCloseTo(1 * 100 + 1.5 * 99.8);
    expect(made.largest).toBe(2.5);
  });

  it('are whole groups, empty ones too, bids by their lower edge', () => {
    const made = new Rows();
    made.fill(side('bid', [[1003, 1], [1001, 2], [989, 4], [975, 8], [974, 16]]), true, 10, 10, 1, 1);
    expect(rows(made)).toEqual([[1000, 3, 3], [990, 0, 3], [980, 4, 7]]); // 970 may go on below the last known level
  });

  it('are whole groups of asks by their upper edge', () => {
    const made = new Rows();
    made.fill(side('ask', [[1001, 1], [1010, 2], [1011, 4], [1039, 8]]), false, 10, 2, 1, 1);
    expect(rows(made)).toEqual([[1010, 3, 3], [1020, 4, 7]]);
  });

  it('are none for an empty side, and one for a single level', () => {
    const made = new Rows();
    made.fill(side('ask', []), false, 10, 5, 1, 1);
    expect(made.count).toBe(0);
    made.fill(side('ask', [[7, 3]]), false, 10, 5, 1, 1);
    expect(rows(made)).toEqual([[10, 3, 3]]);
  });
});

describe('Rows of the relief', () => {
  it('are groups of whole rows on their side of the split; a cut group is left out', () => {
    const column = {
      kind: 'relief' as const, snapshot: true, validity: 0, instrument: 0, sequence: 1, at: 0,
      row: 5, first: 19, bestBid: 104, bestAsk: 106, split: 2, sizes: Float32Array.from([1, 2, 4, 8, 16, 32]),
    };
    const made = new Rows();
    made.fillRelief(column, false, 2, 10, 1);
    expect(rows(made)).toEqual([[110, 4, 4], [120, 24, 28]]); // row 24 begins a group that the column does not hold whole
    made.fillRelief(column, true, 1, 10, 1);
    expect(rows(made)).toEqual([[100, 2, 2], [95, 1, 3]]);
    expect(made.worths[0]).toBe(2 * 102.5);
  });
});

describe('groupings', () => {
  it('go from none by 1, 2, 5 to the rows of the relief and their multiples', () => {
    expect(groupings(1, 30)).toEqual([0, 2, 5, 10, 20, 30, 60, 150, 300]);
    expect(groupings(10, 0)).toEqual([0]);
  });
});

describe('Traded', () => {
  it('sums by price within the window, by group if asked', () => {
    const trades = new Trades();
    const frame = (ats: number[], prices: number[], sizes: number[], buys: number[]): void =>
      trades.apply({
        kind: 'trades', snapshot: false, validity: 0, instrument: 0, sequence: 1, at: ats[0]!,
        ats: Float64Array.from(ats), prices: Float64Array.from(prices), sizes: Float64Array.from(sizes), buys: Uint8Array.from(buys),
      });
    frame([1000, 2000, 3000], [101, 101, 99], [5, 7, 11], [1, 1, 0]);
    const traded = new Traded(60_000);
    traded.update(trades, 0, 3000);
    expect(traded.at(101)).toEqual({ bought: 12, sold: 0 });
    expect(traded.at(99)).toEqual({ bought: 0, sold: 11 });
    traded.update(trades, 0, 61_500);
    expect(traded.at(101)).toEqual({ bought: 7, sold: 0 });
    frame([62_000], [102], [1], [1]);
    traded.update(trades, 10, 62_100);
    expect(traded.at(110)).toEqual({ bought: 1, sold: 0 });
    expect(traded.at(90)).toEqual({ bought: 0, sold: 11 });
    traded.update(trades, 10, 200_000);
    expect(traded.at(110)).toBeUndefined();
  });
});
