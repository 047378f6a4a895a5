import { expect, it } from 'vitest';
import { match } from './match';

it('finds by beginning, by part, across separators and by letters, in that order of merit', () => {
  const scores = ['binance', 'btcusdt', 'usdt', 'bnb'].map((query) => match(query, 'binance:BTCUSDT spot'));
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(Math.min(...scores)).toBeGreaterThan(0);
  expect(match('btcusdt', 'okx:BTC-USDT')).toBeGreaterThan(0);
});

it('wants every word, and finds everything by nothing', () => {
  expect(match('okx perp', 'binance:BTCUSDT perpetual')).toBe(0);
  expect(match('', 'anything')).toBe(1);
});
