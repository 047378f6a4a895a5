// An order drawn on the ladder: the rows it takes, its average price, its limit.

import { reached, type Walk } from '../cost/answer';
import { faded, type Theme } from './inks';
import type { Rows } from './ladder';

/** Where the rows stand. */
export interface Places {
  /** Inner edge of the best row. */
  edge: number;
  /** From one row to the next: below zero for asks. */
  outward: number;
  width: number;
  /** Where the room for rows ends. */
  end: number;
}

/** Where a price lies among rows, in rows from the inner edge: row i is spread over i to i + 1, its price in the middle. */
export function depthOf(rows: Rows, bids: boolean, price: number): number {
  const sign = bids ? -1 : 1;
  const away = (i: number): number => sign * (rows.prices[i] ?? NaN);
  const wanted = sign * price;
  if (rows.count === 0 || wanted <= away(0)) return 0.5;
  for (let i = 1; i < rows.count; i += 1) {
    if (wanted <= away(i)) return i - 0.5 + (wanted - away(i - 1)) / (away(i) - away(i - 1));
  }
  return rows.count;
}

export function markWalk(
  context: CanvasRenderingContext2D, now: Theme, walk: Walk, rows: Rows, step: number, places: Places, text: (units: number) => string,
): void {
  const { edge, outward, width, end } = places;
  let count = 0;
  while (count < rows.count && reached(walk, rows.prices[count]!, step)) count += 1;
  const tall = count * outward;
  context.fillStyle = faded(now.accent, 0.13);
  context.fillRect(0, Math.min(edge, edge + tall), width, Math.abs(tall));
  context.fillStyle = now.accent;
  context.fillRect(0, Math.min(edge, edge + tall), 3, Math.abs(tall));
  context.font = now.small;
  const line = (units: number, words: string, colour: string, dash: number[]): void => {
    const y = Math.round(edge + depthOf(rows, walk.bids, units) * outward) + 0.5;
    const label = `${words} ${text(units)}`;
    const wide = context.measureText(label).width + now.rem * 0.8;
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.setLineDash([]);
    const half = now.rem * 0.55;
    const left = width - wide - 4;
    context.fillStyle = now.panel;
    context.fillRect(left, y - half, wide, 2 * half);
    context.strokeRect(left, y - half, wide, 2 * half);
    context.fillStyle = colour;
    context.textAlign = 'right';
    context.fillText(label, width - 4 - now.rem * 0.4, y + 0.5);
  };
  if (walk.limit !== null && depthOf(rows, walk.bids, walk.limit) < rows.count) line(walk.limit, 'limit', now.warning, [4, 3]);
  if (walk.vwap !== null) line(walk.vwap, 'average', now.accent, []);
  const last = rows.prices[rows.count - 1];
  if (last !== undefined && count === rows.count && (walk.bids ? walk.worst < last : walk.worst > last)) {
    const words = `goes on to ${walk.cut ? 'beyond ' : ''}${text(walk.worst)}`;
    const wide = context.measureText(words).width + now.rem * 0.8;
    const y = end + (walk.bids ? -now.rem * 0.8 : now.rem * 0.8);
    context.fillStyle = now.panel;
    context.fillRect(width * 0.5 - wide / 2, y - now.rem * 0.6, wide, now.rem * 1.2);
    context.fillStyle = now.accent;
    context.textAlign = 'center';
    context.fillText(words, width * 0.5, y);
  }
}
