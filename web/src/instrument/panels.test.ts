import { describe, expect, it } from 'vitest';
import type { Instrument } from '../data/types';
import { bars } from './profile';
import { Track } from './track';
import { groupBars, members, siblings } from './venues';

describe('bars of a profile', () => {
  const rows = [
    { price: '100', buy: '1', sell: '2' },
    { price: '101', buy: '3', sell: '0' },
    { price: '109', buy: '0', sell: '4' },
  ];

  it('stand for price: rows without trades are there, empty', () => {
    const made = bars(rows, 1, 20);
    expect(made.bars.length).toBe(10);
    expect(made.bars[5]).toEqual({ price: 105, buy: 0, sell: 0 });
    expect(made.bars[9]).toEqual({ price: 109, buy: 0, sell: 4 });
  });

  it('are joined to whole groups until they fit, and keep the sums', () => {
    const made = bars(rows, 1, 3);
    expect(made.width).toBe(5);
    expect(made.bars).toEqual([{ price: 100, buy: 4, sell: 2 }, { price: 105, buy: 0, sell: 4 }]);
    expect(bars([], 1, 5).bars).toEqual([]);
  });
});

describe('Track', () => {
  it('puts a history before the live points, with the reasons of what is absent', () => {
    const track = new Track(['a', 'b']);
    track.ats[0] = 5000;
    track.values[0]![0] = 50;
    track.values[1]![0] = 51;
    track.count = 1;
    track.before({
      at_ms: [1000, 2000, 3000, 5000, 6000],
      values: { a: [1, null, 3, 99, 99], b: [4, 5, 6, 99, 99] },
      reasons: { a: { '1': 'book_invalid' } },
    });
    expect(track.count).toBe(4);
    expect([...track.ats.subarray(0, 4)]).toEqual([1000, 2000, 3000, 5000]);
    expect([...track.values[0]!.subarray(0, 4)]).toEqual([1, NaN, 3, 50]);
    expect(track.reasons[0]![1]).toBe(255);
    expect(track.at(2500)).toBe(1);
    expect(track.at(999)).toBe(-1);
    expect(track.at(20_000)).toBe(-1);
  });
});

describe('venues', () => {
  const one = (id: string, kind: string, canonical: string): Instrument =>
    ({ id, venue: id.split(':')[0], kind, canonical, base: 'BTC', quote: 'USDT' }) as Instrument;
  const all = [
    one('okx:SWAP', 'perpetual', 'BTC-USDT-PERP'), one('okx:SPOT', 'spot', 'BTC-USDT'),
    one('binance:SPOT', 'spot', 'BTC-USDT'), { ...one('x:ETH', 'spot', 'ETH-USDT'), base: 'ETH' },
  ];

  it('of the same coin are siblings, spot first; of the same thing are members of its group', () => {
    expect(siblings(all, all[0]!).map((x) => x.id)).toEqual(['binance:SPOT', 'okx:SPOT', 'okx:SWAP']);
    expect(members(all, all[1]!).map((x) => x.id)).toEqual(['binance:SPOT', 'okx:SPOT']);
  });

  it('keep their places in the bars of the aggregated book', () => {
    const rows = [
      { price: '10', size: '3', parts: [{ id: 'b', size: '3' }] },
      { price: '9', size: '5', parts: [{ id: 'a', size: '1' }, { id: 'b', size: '4' }] },
    ];
    expect(groupBars(rows, ['a', 'b'])).toEqual([
      { price: '10', size: 3, sum: 3, parts: [0, 3] },
      { price: '9', size: 5, sum: 8, parts: [1, 4] },
    ]);
  });
});
