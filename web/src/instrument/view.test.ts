import { describe, expect, it } from 'vitest';
import { View } from './view';

function made(): View {
  const view = new View();
  view.spanMs = 100_000;
  view.advance(1_000_000, 1000);
  view.track(500, 100);
  return view;
}

describe('View', () => {
  it('keeps the right edge on whole pixels while it follows the clock', () => {
    const view = made();
    expect(view.endMs).toBe(1_000_000);
    expect(view.advance(1_000_099, 1000)).toBe(false);
    expect(view.advance(1_000_100, 1000)).toBe(true);
    expect(view.endMs).toBe(1_000_100);
  });

  it('maps times and prices to pixels and back', () => {
    const view = made();
    expect(view.xOf(950_000, 1000)).toBeCloseTo(500);
    expect(view.timeAt(500, 1000)).toBeCloseTo(950_000);
    expect(view.yOf(500, 400)).toBeCloseTo(200);
    expect(view.priceAt(view.yOf(512.5, 400), 400)).toBeCloseTo(512.5);
  });

  it('stops following when panned back and follows again when panned to now', () => {
    const view = made();
    view.pan(100, 0, 1000, 400, 1_000_000);
    expect(view.live).toBe(false);
    expect(view.endMs).toBe(990_000);
    expect(view.advance(1_010_000, 1000)).toBe(false);
    view.pan(-500, 0, 1000, 400, 1_010_000);
    expect(view.live).toBe(true);
    expect(view.endMs).toBe(1_010_000);
  });

  it('zooms time around the pointer when looking back, around now when live', () => {
    const view = made();
    view.zoomTime(0.5, 0.2, 1_000_000);
    expect([view.endMs, view.spanMs]).toEqual([1_000_000, 50_000]);
    view.pan(600, 0, 1000, 400, 1_000_000);
    const under = view.timeAt(300, 1000);
    view.zoomTime(1.7, 0.3, 1_000_000);
    expect(view.timeAt(300, 1000)).toBeCloseTo(under, 6);
  });

  it('zooms price around the pointer within bounds', () => {
    const view = made();
    const under = view.priceAt(100, 400);
    view.zoomPrice(0.5, 0.25, 10, 1000);
    expect(view.priceAt(100, 400)).toBeCloseTo(under, 6);
    expect(view.high - view.low).toBeCloseTo(50);
    view.zoomPrice(0.001, 0.5, 10, 1000);
    expect(view.high - view.low).toBeCloseTo(10);
  });

  it('stands still while mid stays in the middle, glides after it beyond, jumps when it is far', () => {
    const view = made();
    expect(view.track(520, 100)).toBe(false);
    for (let i = 0; i < 60; i += 1) view.track(530, 100);
    expect((view.low + view.high) / 2).toBeCloseTo(530, 0);
    expect(view.track(900, 100)).toBe(true);
    expect((view.low + view.high) / 2).toBe(900);
  });

  it('leaves the price window to the hand after a drag until it is reset', () => {
    const view = made();
    view.pan(0, 40, 1000, 400, 1_000_000);
    expect(view.low).toBeCloseTo(460);
    expect(view.track(900, 100)).toBe(false);
    view.reset(100_000);
    expect(view.track(900, 100)).toBe(true);
  });
});
