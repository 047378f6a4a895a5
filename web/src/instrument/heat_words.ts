// What the heatmap tells in words: under the pointer, and as a table.

import { fixed, short } from '../format';
import type { HeatFeed } from './feed';
import { cloudFor } from './painter';
import { ROWS } from './relief';
import type { View } from './view';

export interface HeatInfo {
  priceDecimals: number;
  sizeDecimals: number;
  /** Smallest step of price; 0 unknown. */
  tick: number;
  /** What sizes are counted in. */
  unit: string;
}

/** Something that happened, shown on the time axis. */
export interface Note {
  atMs: number;
  text: string;
}

/** What stands under the pointer, line by line. */
export function heatWords(
  feed: HeatFeed, view: View, width: number, height: number, info: HeatInfo, marked: boolean, notes: Note[], atMs: number, price: number,
): string[] {
  const found = feed.reliefs.find(atMs);
  const { priceDecimals, sizeDecimals, unit } = info;
  const lines: string[] = [];
  if (found) {
    const { relief, slot } = found;
    const row = relief.rowIn(slot, price);
    if (relief.rows[slot] === 0) lines.push('book not vouched for then');
    else if (row < 0) lines.push('outside the range that is known');
    else {
      const low = relief.bottom[slot]! + row * relief.width[slot]!;
      const high = low + relief.width[slot]!;
      const side = row < relief.split[slot]! ? 'bids' : 'asks';
      lines.push(`${fixed(low, priceDecimals)} – ${fixed(high, priceDecimals)}`);
      const size = relief.sizes[slot * ROWS + row]!;
      lines.push(`${side} ${fixed(size, Math.min(sizeDecimals, size >= 1000 ? 1 : size >= 10 ? 3 : 5))} ${unit}`);
    }
    if (relief.rows[slot]! > 0) {
      lines.push(`bid ${fixed(relief.bid[slot], priceDecimals)}`, `ask ${fixed(relief.ask[slot], priceDecimals)}`);
    }
  } else lines.push('nothing recorded then');
  const perPixel = view.spanMs / width;
  const perRow = (view.high - view.low) / height;
  const marks = feed.marks[cloudFor(feed.marks, view.spanMs, width)]!;
  const mark = marked ? marks.nearest(atMs, price, perPixel * 10, perRow * 10) : -1;
  if (mark >= 0) {
    const did = marks.boughtOf(mark) ? '● bought' : '◆ sold';
    lines.push(`${did} ${short(marks.sizeOf(mark), 4)} ${unit} at ${fixed(marks.priceOf(mark), priceDecimals)}`);
  }
  for (const note of notes) if (Math.abs(note.atMs - atMs) < perPixel * 7) lines.push(note.text);
  return lines;
}

/** The columns in view as rows of text. */
export function heatTable(feed: HeatFeed, view: View, places: number): string[][] {
  const rows = [['at', 'price_low', 'price_high', 'size', 'best_bid', 'best_ask']];
  const step = view.spanMs > 480_000 ? 1000 : 250;
  for (let at = view.endMs - view.spanMs; at < view.endMs; at += step) {
    const found = feed.reliefs.find(at);
    if (!found || found.relief.rows[found.slot] === 0) continue;
    const { relief, slot } = found;
    const when = new Date(relief.stamp[slot]! * relief.stepMs).toISOString();
    for (let row = 0; row < relief.rows[slot]!; row += 1) {
      const low = relief.bottom[slot]! + row * relief.width[slot]!;
      if (low + relief.width[slot]! < view.low || low > view.high) continue;
      const price = (p: number): string => p.toFixed(places);
      const size = relief.sizes[slot * ROWS + row]!;
      rows.push([when, price(low), price(low + relief.width[slot]!), String(size), price(relief.bid[slot]!), price(relief.ask[slot]!)]);
    }
  }
  return rows;
}
