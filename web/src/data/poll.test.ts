import { expect, it } from 'vitest';
import { extend } from './poll.svelte';

const line = (from: number, to: number) => {
  const at_ms = Array.from({ length: to - from }, (_, i) => (from + i) * 1000);
  return { at_ms, columns: { x: at_ms.map((at) => at / 1000) } };
};

it('newer rows are put behind the older ones, none twice', () => {
  expect(extend(line(0, 10), line(5, 12), 100)).toEqual(line(0, 12));
  expect(extend(line(0, 10), line(5, 10), 100)).toEqual(line(0, 10));
});

it('the oldest go when there are too many', () => expect(extend(line(0, 10), line(8, 13), 6)).toEqual(line(7, 13)));

it('what does not join is not joined', () => expect(extend(line(0, 10), line(50, 60), 100)).toEqual(line(50, 60)));
