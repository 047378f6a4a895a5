import { describe, expect, it } from 'vitest';
import { plain, query, read, seconds, step, USUAL, write } from './order';

describe('an order in the address', () => {
  it('is read with what is usual where nothing stands', () => {
    expect(read({})).toEqual({ side: 'buy', type: 'market', kind: 'notional', amount: USUAL.amount, limit: '', vol: '', volume: '', tier: '', horizon: '30m', risk: USUAL.risk });
    expect(read({ side: 'sideways', type: 'stop', size: '1.5', horizon: '4h' })).toMatchObject({ side: 'buy', type: 'market', kind: 'size', amount: '1.5', horizon: '4h' });
  });

  it('comes back from what is written, with every input and nothing of another count', () => {
    const params = write({ source: 'replay', group: '2', notional: '100' }, { kind: 'size', amount: '2', side: 'sell', type: 'limit', limit: '99.5', vol: '60', volume: '1000', tier: 'vip3', horizon: '1h', risk: '0' });
    expect(params).toEqual({ source: 'replay', group: '2', side: 'sell', type: 'limit', size: '2', limit: '99.5', vol: '60', volume: '1000', tier: 'vip3', horizon: '1h', risk: '0' });
    expect(write(params, read(params))).toEqual(params);
    expect(write(params, { vol: '', tier: '' })).not.toHaveProperty('vol');
  });
});

it.each([
  ['1,250.5', '1250.5'],
  ['50k', '50000'],
  ['1.5M', '1500000'],
  [' 0.000001 ', '0.000001'],
  ['2e-6', '2e-6'],
  ['.5', '.5'],
  ['', null],
  ['-1', null],
  ['NaN', null],
  ['1.2.3', null],
  ['Infinity', null],
])('the number %o is %o', (text, expected) => expect(plain(text)).toBe(expected));

it.each([
  ['30m', 1800],
  ['90 s', 90],
  ['1.5h', 5400],
  ['7d', 604_800],
  ['45', 45],
  ['10 years', null],
  ['', null],
])('the time %o is %o seconds', (text, expected) => expect(seconds(text)).toBe(expected));

it('what cannot be asked is said beside its input, and nothing is asked', () => {
  const wrong = (params: Record<string, string>): string[] => Object.keys(query(read(params)).wrong ?? {});
  expect(wrong({})).toEqual([]);
  expect(wrong({ notional: '0' })).toEqual(['amount']);
  expect(wrong({ size: '1e13' })).toEqual(['amount']);
  expect(wrong({ type: 'limit' })).toEqual(['limit']);
  expect(wrong({ horizon: '8d', risk: '-1', vol: 'much', volume: '0' })).toEqual(['vol', 'volume', 'risk', 'horizon']);
  expect(query(read({ type: 'limit' })).query).toBeNull();
});

it('the query has the names of the API, and leaves out what the server knows', () => {
  expect(query(read({ size: '1.5', side: 'sell' })).query).toEqual({ side: 'sell', size: '1.5', horizon_seconds: '1800', risk_aversion: '0.000001' });
  expect(query(read({ notional: '50k', type: 'limit', limit: '61,602.5', vol: '55', volume: '20k', tier: 'vip3', horizon: '2h', risk: '1e-5' })).query).toEqual({
    side: 'buy', notional: '50000', limit: '61602.5', volatility_annual_pct: '55', daily_volume: '20000', fee_tier: 'vip3', horizon_seconds: '7200', risk_aversion: '1e-5',
  });
  // a price that is kept for later is no limit of a market order
  expect(query(read({ size: '1', limit: '5' })).query).not.toHaveProperty('limit');
});

it('amounts step through 1, 2, 5, 10', () => {
  expect(['1', '2', '5', '70', '0.3', '100k'].map((text) => step(text, true))).toEqual(['2', '5', '10', '100', '0.5', '200000']);
  expect(['1', '2', '5', '70', '0.3', '100k'].map((text) => step(text, false))).toEqual(['0.5', '1', '2', '50', '0.2', '50000']);
  expect(step('', true)).toBeNull();
});
