import { expect, it } from 'vitest';
import { settle } from './link';

it('several wishes for the same become one, at the highest rate and depth', () => {
  const settled = settle([
    { kind: 'book', instrument: 'a', rate: 5, depth: 25 },
    { kind: 'book', instrument: 'a', rate: 20 },
    { kind: 'book', instrument: 'b', rate: 1, depth: 100 },
  ]);
  expect([...settled.values()]).toEqual([
    { kind: 'book', instrument: 'a', rate: 20, depth: 25 },
    { kind: 'book', instrument: 'b', rate: 1, depth: 100 },
  ]);
});

it('a wish for all instruments takes in those for one', () => {
  const settled = settle([
    { kind: 'metrics', instrument: 'a', rate: 10 },
    { kind: 'metrics', instrument: '*', rate: 2 },
    { kind: 'trades', instrument: 'a', rate: 10 },
    { kind: 'fault', instrument: null, rate: 1 },
  ]);
  expect([...settled.values()]).toEqual([
    { kind: 'metrics', instrument: '*', rate: 10 },
    { kind: 'trades', instrument: 'a', rate: 10 },
    { kind: 'fault', instrument: null, rate: 1 },
  ]);
});
