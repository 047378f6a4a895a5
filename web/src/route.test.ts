import { expect, it } from 'vitest';
import { parse, print } from './route.svelte';

it.each([
  ['', { view: 'overview', instrument: null, params: {} }],
  ['#/instrument/binance:BTCUSDT?group=10&t=1763680000000', { view: 'instrument', instrument: 'binance:BTCUSDT', params: { group: '10', t: '1763680000000' } }],
  ['#/nonsense/x', { view: 'overview', instrument: 'x', params: {} }],
  ['#/latency/%E0%A4%A', { view: 'latency', instrument: null, params: {} }],
])('%s is read', (hash, place) => expect(parse(hash)).toEqual(place));

it('what is printed is read again', () => {
  const place = { view: 'instrument', instrument: 'okx:BTC-USDT/x y', params: { a: '1 &', source: 'replay' } } as const;
  expect(parse(print(place))).toEqual(place);
  expect(print({ view: 'instrument', instrument: 'binance:BTCUSDT', params: {} })).toBe('#/instrument/binance:BTCUSDT');
});
