import { describe, expect, it } from 'vitest';
import { Percentiles } from './contrast';
import { Marks } from './marks';
import { gammaFor } from './painter';
import { lightness, palette } from './palette';
import { clock, placesOf, priceStep, timeStep } from './ticks';

describe('Percentiles', () => {
  it('agree with the sorted sizes to the width of a bin', () => {
    const all = new Percentiles(1e9);
    const sizes = Float32Array.from({ length: 1000 }, (_, i) => (i + 1) / 10);
    all.add(sizes, 0, 1000);
    for (const share of [0.5, 0.9, 0.995]) expect(all.at(share) / (100 * share)).toBeCloseTo(1, 1);
  });

  it('forget: after many columns of small sizes an old wall is no longer in the top half percent', () => {
    const all = new Percentiles(10);
    all.add(Float32Array.from([1000, 1000, 1000]), 0, 3);
    for (let i = 0; i < 200; i += 1) all.add(Float32Array.from([1, 1, 1]), 0, 3);
    expect(all.at(0.995)).toBeLessThan(2);
  });

  it('know nothing at first, and zeros teach them nothing', () => {
    const all = new Percentiles(10);
    all.add(new Float32Array(5), 0, 5);
    expect(all.empty).toBe(true);
    expect(all.at(0.9)).toBe(0);
  });
});

describe('Marks', () => {
  it('joins the trades of a side in one bucket at their mean price', () => {
    const marks = new Marks(250, 16);
    marks.add(1000, 100, 1, true);
    marks.add(1100, 104, 3, true);
    marks.add(1100, 99, 2, false);
    marks.add(1300, 105, 1, true);
    expect(marks.made).toBe(3);
    expect([marks.sizeOf(0), marks.priceOf(0), marks.boughtOf(0)]).toEqual([4, 103, true]);
    expect([marks.sizeOf(1), marks.boughtOf(1)]).toEqual([2, false]);
    expect(marks.timeOf(2)).toBe(1375);
    expect(marks.nearest(1120, 103, 100, 2)).toBe(0);
    expect(marks.nearest(1120, 110, 100, 2)).toBe(-1);
  });

  it('keeps the newest when it is full', () => {
    const marks = new Marks(250, 4);
    for (let i = 0; i < 10; i += 1) marks.add(i * 250, 100 + i, 1, true);
    expect(marks.count).toBe(4);
    expect(marks.priceOf(9)).toBe(109);
    expect(marks.nearest(0, 100, 100, 1)).toBe(-1);
  });
});

describe('palette', () => {
  it.each([false, true])('goes evenly from the ground to its opposite (light: %s)', (light) => {
    const steps = Array.from({ length: 21 }, (_, i) => lightness(light, i / 20));
    for (let i = 1; i < steps.length; i += 1) {
      const step = (steps[i]! - steps[i - 1]!) * (light ? -1 : 1);
      expect(step).toBeGreaterThan(0.02);
      expect(step).toBeLessThan(0.06);
    }
    expect(palette(light).length).toBe(1024);
  });
});

describe('gammaFor', () => {
  it('gives the median size the same dark shade whatever the distribution', () => {
    for (const [median, clip] of [[1, 100], [8, 19], [0.001, 0.02]] as const) {
      expect((median / clip) ** gammaFor(median, clip)).toBeCloseTo(0.3, 1);
    }
    expect(gammaFor(0, 1)).toBe(0.6);
    expect(gammaFor(5, 5)).toBe(0.6);
  });
});

describe('ticks', () => {
  it('are round and leave room', () => {
    expect(timeStep(300_000, 900, 90)).toBe(30_000);
    expect(timeStep(1_800_000, 300, 90)).toBe(600_000);
    expect(priceStep(100, 500, 40, 0.01)).toBe(10);
    expect(priceStep(0.02, 500, 40, 0.01)).toBe(0.01);
    expect([placesOf(0.05), placesOf(20), placesOf(0.00001)]).toEqual([2, 0, 5]);
  });

  it('write times as exactly as their step needs', () => {
    const at = Date.UTC(2026, 10, 20, 4, 5, 6, 789);
    expect(clock(at, 60_000, true)).toBe('04:05');
    expect(clock(at, 1000, true)).toBe('04:05:06');
    expect(clock(at, 1, true)).toBe('04:05:06.789');
  });
});
