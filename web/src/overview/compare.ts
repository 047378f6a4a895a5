// Instruments of one coin against each other: how far each mid stands from the first one's, in basis points.

import type { Market } from '../data/store';
import { clock, signed } from '../format';
import { look } from '../theme.svelte';

const SPAN_MS = 180_000;
const STEP_MS = 1000;
const SLOTS = SPAN_MS / STEP_MS;

/** Distances in bps per second of the last three minutes, oldest first; NaN where either is absent. */
export function distances(market: Market, reference: Market, now: number): Float64Array {
  const out = new Float64Array(SLOTS).fill(NaN);
  const first = Math.floor((now - SPAN_MS) / STEP_MS) + 1;
  const base = new Float64Array(SLOTS).fill(NaN);
  place(reference, first, base);
  place(market, first, out);
  for (let i = 0; i < SLOTS; i++) out[i] = (((out[i] ?? NaN) - (base[i] ?? NaN)) / (base[i] ?? NaN)) * 1e4;
  return out;
}

function place({ mids }: Market, first: number, slots: Float64Array): void {
  for (let n = mids.first; n < mids.total; n++) {
    const slot = Math.floor((mids.ats[n % mids.capacity] ?? 0) / STEP_MS) - first;
    if (slot >= 0 && slot < slots.length) slots[slot] = mids.values[n % mids.capacity] ?? NaN;
  }
}

/** Draws the lines with the newest value of each at the right. */
export function drawCompare(canvas: HTMLCanvasElement, reference: Market, others: Market[], now: number): void {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0 || height === 0) return;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const g = canvas.getContext('2d');
  if (!g) return;
  const { palette } = look;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = `${palette.rem * 0.82}px ${palette.font}`;
  const lines = others.map((market) => distances(market, reference, now));
  let low = 0;
  let top = 0;
  for (const line of lines) {
    for (const value of line) {
      if (value < low) low = value;
      if (value > top) top = value;
    }
  }
  const pad = (top - low || 1) * 0.12;
  low -= pad;
  top += pad;
  const left = palette.rem * 0.6;
  const right = width - palette.rem * 3.6;
  const head = palette.rem * 0.4;
  const foot = height - palette.rem * 1.5;
  const x = (slot: number): number => left + (slot / (SLOTS - 1)) * (right - left);
  const y = (value: number): number => foot - ((value - low) / (top - low)) * (foot - head);

  g.textBaseline = 'middle';
  g.lineWidth = 1;
  g.fillStyle = palette.muted;
  g.strokeStyle = palette.line;
  g.textAlign = 'center';
  for (let at = Math.ceil((now - SPAN_MS) / 60_000) * 60_000; at < now; at += 60_000) {
    const slot = (at - (now - SPAN_MS)) / STEP_MS;
    g.beginPath();
    g.moveTo(x(slot), head);
    g.lineTo(x(slot), foot);
    g.stroke();
    if (x(slot) > left + 20 && x(slot) < right) g.fillText(clock(at, 'utc').slice(0, 5), x(slot), foot + palette.rem * 0.8);
  }
  g.strokeStyle = palette.lineStrong;
  g.setLineDash([3, 3]);
  g.beginPath();
  g.moveTo(left, y(0));
  g.lineTo(right, y(0));
  g.stroke();
  g.setLineDash([]);

  const ends: { at: number; text: string; colour: string }[] = [{ at: y(0), text: '0', colour: palette.muted }];
  lines.forEach((line, n) => {
    const colour = palette.series[n % palette.series.length] ?? palette.text;
    g.strokeStyle = colour;
    g.lineWidth = 1.3;
    g.beginPath();
    let broken = true;
    let last = NaN;
    line.forEach((value, slot) => {
      if (Number.isNaN(value)) {
        broken = true;
        return;
      }
      if (broken) g.moveTo(x(slot), y(value));
      else g.lineTo(x(slot), y(value));
      broken = false;
      last = value;
    });
    g.stroke();
    if (!Number.isNaN(last)) ends.push({ at: y(last), text: signed(last, 2), colour });
  });
  // labels do not lie upon each other
  ends.sort((a, b) => a.at - b.at);
  const line = palette.rem * 0.95;
  for (let i = 1; i < ends.length; i++) {
    const [before, here] = [ends[i - 1], ends[i]];
    if (before && here) here.at = Math.max(here.at, before.at + line);
  }
  const over = Math.max(0, (ends.at(-1)?.at ?? 0) - (height - line / 2));
  g.textAlign = 'right';
  for (const end of ends) {
    g.fillStyle = end.colour;
    g.fillText(end.text, width - palette.rem * 0.5, end.at - over);
  }
}
