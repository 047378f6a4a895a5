// What the charts over time have in common: their time axis, boxed labels, and the box of words beside the pointer.

import type { Texts } from './canvas';
import { faded, type Theme } from './inks';
import { clock, timeStep } from './ticks';
import type { View } from './view';

/** Upright lines at round times with their labels `below` the plot's lower edge. */
export function timeAxis(
  context: CanvasRenderingContext2D, now: Theme, view: View, width: number, height: number, below: number, utc: boolean, texts: Texts,
): void {
  const step = timeStep(view.spanMs, width, now.rem * 6.5);
  const key = `${step} ${utc}`;
  const write = (at: number): string => clock(at, step, utc);
  context.fillStyle = now.muted;
  context.strokeStyle = faded(now.text, now.dark ? 0.065 : 0.085);
  context.textAlign = 'center';
  const offset = utc ? 0 : new Date(view.endMs).getTimezoneOffset() * 60_000;
  const start = view.endMs - view.spanMs;
  context.beginPath();
  for (let at = Math.ceil((start - offset) / step) * step + offset; at <= view.endMs; at += step) {
    const x = Math.round(view.xOf(at, width)) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, height);
    if (x > now.rem * 2.2 && x < width - now.rem * 1.1) context.fillText(texts.get(at, key, write), x, height + below);
  }
  context.stroke();
}

/** A label in reversed colours, kept within the width. */
export function boxed(context: CanvasRenderingContext2D, now: Theme, text: string, x: number, y: number, width: number): void {
  const wide = context.measureText(text).width + 10;
  const at = Math.min(width - wide / 2, Math.max(wide / 2, x));
  context.fillStyle = now.text;
  context.fillRect(at - wide / 2, y - now.rem * 0.62, wide, now.rem * 1.24);
  context.fillStyle = now.panel;
  context.textAlign = 'center';
  context.fillText(text, at, y);
}

/** A box of lines beside a point, where there is room for it. */
export function readout(
  context: CanvasRenderingContext2D, now: Theme, lines: string[], x: number, y: number, width: number, height: number,
): void {
  const line = now.rem * 1.25;
  let wide = 0;
  for (const text of lines) wide = Math.max(wide, context.measureText(text).width);
  wide = Math.min(wide + now.rem * 1.2, width - 10);
  const tall = lines.length * line + now.rem * 0.5;
  const left = x + 14 + wide > width ? Math.max(2, x - 14 - wide) : x + 14;
  const top = y + 14 + tall > height ? Math.max(2, y - 14 - tall) : y + 14;
  context.fillStyle = faded(now.raised, 0.94);
  context.fillRect(left, top, wide, tall);
  context.strokeStyle = now.lineStrong;
  context.strokeRect(left + 0.5, top + 0.5, wide - 1, tall - 1);
  context.fillStyle = now.text;
  context.textAlign = 'left';
  for (let i = 0; i < lines.length; i += 1) {
    context.fillText(lines[i]!, left + now.rem * 0.6, top + now.rem * 0.25 + (i + 0.5) * line, wide - now.rem * 1.2);
  }
}
