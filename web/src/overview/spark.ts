// A small line of the mids of the last three minutes.

import type { Spark } from '../data/rings';
import { look } from '../theme.svelte';

const SPAN_MS = 180_000;

/** Draws into a canvas of any size; gaps stay gaps. */
export function drawSpark(canvas: HTMLCanvasElement, spark: Spark, now: number): void {
  const ratio = devicePixelRatio;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (width === 0 || height === 0) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);

  const from = now - SPAN_MS;
  let low = Infinity;
  let high = -Infinity;
  let first = NaN;
  let last = NaN;
  for (let n = spark.first; n < spark.total; n++) {
    const value = spark.values[n % spark.capacity] ?? NaN;
    if ((spark.ats[n % spark.capacity] ?? 0) < from || Number.isNaN(value)) continue;
    if (Number.isNaN(first)) first = value;
    last = value;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (Number.isNaN(first)) return;
  const range = high - low || Math.abs(high) * 1e-6 || 1;
  const y = (value: number): number => height - 2 - ((value - low) / range) * (height - 4);

  const { bid, ask, faint, line } = look.palette;
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.setLineDash([2, 2]);
  context.beginPath();
  context.moveTo(0, y(first));
  context.lineTo(width, y(first));
  context.stroke();
  context.setLineDash([]);

  context.strokeStyle = last > first ? bid : last < first ? ask : faint;
  context.lineWidth = 1.3;
  context.lineJoin = 'round';
  context.beginPath();
  let broken = true;
  for (let n = spark.first; n < spark.total; n++) {
    const at = spark.ats[n % spark.capacity] ?? 0;
    if (at < from) continue;
    const value = spark.values[n % spark.capacity] ?? NaN;
    if (Number.isNaN(value)) {
      broken = true;
      continue;
    }
    const x = ((at - from) / SPAN_MS) * (width - 2);
    if (broken) context.moveTo(x, y(value));
    else context.lineTo(x, y(value));
    broken = false;
  }
  context.stroke();
  const x = ((spark.newestAt - from) / SPAN_MS) * (width - 2);
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  context.arc(x, y(last), 1.8, 0, 7);
  context.fill();
}
