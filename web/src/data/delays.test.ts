import { expect, it } from 'vitest';
import { Delays } from './delays';

it('tells percentiles of the latest, and nothing before the first', () => {
  const delays = new Delays();
  expect(delays.percentiles.p50).toBeNull();
  for (let ms = 1; ms <= 5000; ms++) delays.add(ms);
  expect(delays.percentiles.max).toBe(5000);
  expect(delays.percentiles.p50).toBe(5000 - 2048 / 2);
});
