import { describe, expect, it } from 'vitest';
import { DOUBTED, largest, Slots, UNKNOWN } from './paint_2d';
import { Relief, Reliefs, ROWS } from './relief';

const sizes = (...values: number[]): Float32Array => Float32Array.from(values);

describe('Relief', () => {
  it('keeps each column with its own rows, so that another width or first row changes nothing before', () => {
    const relief = new Relief(250, 8);
    const a = relief.put(1000, 100, 0.5, 50.4, 50.6, 1, sizes(1, 2, 3));
    const b = relief.put(1250, 40, 2, 81, 83, 1, sizes(4, 5));
    expect([relief.sizeIn(a, 50.1), relief.sizeIn(a, 50.5), relief.sizeIn(a, 51.49)]).toEqual([1, 2, 3]);
    expect([relief.sizeIn(b, 80), relief.sizeIn(b, 83.9)]).toEqual([4, 5]);
    expect(relief.sizeIn(a, 49.9)).toBeNaN();
    expect(relief.sizeIn(b, 84)).toBeNaN();
  });

  it('forgets what was in a slot when the ring comes round', () => {
    const relief = new Relief(250, 4);
    relief.put(0, 10, 1, 1, 2, 1, sizes(9, 9, 9));
    relief.put(1000, 20, 1, 1, 2, 1, sizes(7));
    expect(relief.slotAt(0)).toBe(-1);
    const slot = relief.slotAt(1100);
    expect(relief.sizeIn(slot, 20.5)).toBe(7);
    expect(relief.sizeIn(slot, 21.5)).toBeNaN();
    expect(relief.put(0, 1, 1, 1, 2, 1, sizes(1))).toBe(-1);
  });

  it('cuts a column that is too tall around the best ask', () => {
    const relief = new Relief(250, 4);
    const tall = new Float32Array(ROWS * 2).map((_, i) => i);
    const slot = relief.put(0, 1000, 1, 1300, 1301, 301, tall);
    expect(relief.rows[slot]).toBe(ROWS);
    expect(relief.sizeIn(slot, 1301)).toBe(301);
    expect(relief.split[slot]).toBe(ROWS / 2);
  });

  it('knows since when its rows have the same height, also when the past comes later', () => {
    const relief = new Relief(1000, 32);
    relief.put(20_000, 10, 2, 1, 2, 1, sizes(1));
    relief.put(21_000, 10, 2, 1, 2, 1, sizes(1));
    for (let at = 10_000; at < 15_000; at += 1000) relief.put(at, 10, 1, 1, 2, 1, sizes(1));
    for (let at = 15_000; at < 20_000; at += 1000) relief.put(at, 10, 2, 1, 2, 1, sizes(1));
    expect([relief.widthSince, relief.rowWidth]).toEqual([15, 2]);
    relief.put(22_000, 10, 5, 1, 2, 1, sizes(1));
    expect([relief.widthSince, relief.rowWidth]).toEqual([22, 5]);
  });

  it('repeats a column over a short silence', () => {
    const relief = new Relief(250, 16);
    relief.extend(relief.put(1000, 5, 1, 5, 6, 1, sizes(3, 4)), 1600);
    expect(relief.sizeIn(relief.slotAt(1599), 6.5)).toBe(4);
    expect(relief.slotAt(1750)).toBe(-1);
  });
});

describe('what a pixel shows', () => {
  it('is the largest of the rows under it, nothing outside, doubt where the book was invalid', () => {
    const relief = new Relief(250, 4);
    const slot = relief.put(0, 10, 1, 11, 12, 2, sizes(1, 8, 2, 4));
    expect(largest(relief, slot, 10.2, 10.7)).toBe(1);
    expect(largest(relief, slot, 10.5, 12.5)).toBe(8);
    expect(largest(relief, slot, 14, 15)).toBe(UNKNOWN);
    expect(largest(relief, relief.put(250, 0, 1, NaN, NaN, 0, sizes()), 10, 11)).toBe(DOUBTED);
  });

  it('is taken from the fine columns, else from the coarse, and is their mean where several lie under it', () => {
    const reliefs = new Reliefs();
    reliefs.coarse.put(0, 10, 1, 10, 11, 1, sizes(100));
    reliefs.fine.put(1000, 10, 1, 10, 11, 1, sizes(2));
    reliefs.fine.put(1250, 10, 1, 10, 11, 1, sizes(4));
    expect(new Slots().find(reliefs, 1000, 1249).size(10, 10.5)).toBe(2);
    expect(new Slots().find(reliefs, 1000, 1499).size(10, 10.5)).toBe(3);
    expect(new Slots().find(reliefs, 0, 200).size(10, 10.5)).toBe(100);
    expect(new Slots().find(reliefs, 5000, 5200).size(10, 10.5)).toBe(UNKNOWN);
  });
});
