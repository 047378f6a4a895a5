import { describe, expect, it } from 'vitest';
import { bytes, clock, decimalText, duration, fixed, instant, short, signed, unitsText } from './format';

describe('numbers', () => {
  it.each([
    [61602.015, 3, '61,602.015'],
    [-1234.5, 1, '−1,234.5'],
    [0, 2, '0.00'],
    [null, 2, '–'],
    [NaN, 2, '–'],
    [Infinity, 2, '–'],
  ])('fixed(%s, %s) is %s', (value, decimals, text) => expect(fixed(value, decimals)).toBe(text));

  it.each([
    [0.5, '+0.50'],
    [-0.5, '−0.50'],
    [0, '0.00'],
    [-0.001, '0.00'],
    [0.001, '0.00'],
  ])('signed(%s) is %s', (value, text) => expect(signed(value, 2)).toBe(text));

  it.each([
    [0, '0'],
    [0.01234, '0.0123'],
    [7, '7.00'],
    [999.9, '1.00k'],
    [12_345, '12.3k'],
    [4_560_000, '4.56M'],
    [-2.5e9, '−2.50B'],
    [null, '–'],
  ])('short(%s) is %s', (value, text) => expect(short(value)).toBe(text));

  it('exact units keep every digit', () => {
    expect(unitsText(6_160_201, 2)).toBe('61,602.01');
    expect(unitsText(-5, 3)).toBe('−0.005');
    expect(unitsText(1234, 0)).toBe('1,234');
    expect(decimalText('1234567.890')).toBe('1,234,567.890');
  });

  it('bytes', () => expect([bytes(12), bytes(1500), bytes(2.25e6), bytes(null)]).toEqual(['12 B', '1.5 kB', '2.3 MB', '–']));
});

describe('times', () => {
  it.each([
    [0.25, '250 µs'],
    [4.21, '4.2 ms'],
    [350, '350 ms'],
    [4200, '4.2 s'],
    [185_000, '3 min 05 s'],
    [7_620_000, '2 h 07 min'],
    [273_600_000, '3 d 4 h'],
    [null, '–'],
  ])('duration(%s) is %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('clock and date in UTC', () => {
    const at = Date.UTC(2026, 10, 20, 4, 7, 3, 9);
    expect(clock(at, 'utc')).toBe('04:07:03');
    expect(clock(at, 'utc', true)).toBe('04:07:03.009');
    expect(instant(at, 'utc')).toBe('2026-11-20 04:07:03');
  });
});
