// An order drawn on the ladder: the rows it takes, its average price, its limit.

import { reached, type Walk } from '../cost/answer';
import { faded, type Theme } from './inks';
import type { Rows } from './ladder';

/** One side of the ladder and where its rows stand. */
export interface Half {
  rows: Rows;
  bids: boolean;
  /** Inner edge of the best row. */
  edge: number;
  /** From one row to the next: below zero for asks. */
  outward: number;
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

/** Draws it over the rows; `step` as the ladder groups them, `text` writes a price. */
export function markWalk(
  context: CanvasRenderingContext2D, now: Theme, walk: Walk, step: number, width: number, side: (bids: boolean) => Half, text: (units: number) => string,
): void {
  const taken = side(walk.bids);
  const { rows, edge, outward, end } = taken;
  let count = 0;
  while (count < rows.count && reached(walk, rows.prices[count]!, step)) count += 1;
  const tall = count * outward;
  context.fillStyle = faded(now.accent, 0.13);
  context.fillRect(0, Math.min(edge, edge + tall), width, Math.abs(tall));
  context.fillStyle = now.accent;
  context.fillRect(0, Math.min(edge, edge + tall), 3, Math.abs(tall));
  context.font = now.small;

  const line = (half: Half, units: number, words: string, colour: string, dash: number[]): void => {
    const depth = depthOf(half.rows, half.bids, units);
    if (depth >= half.rows.count) return; // further than what is shown
    const y = Math.round(half.edge + depth * half.outward) + 0.5;
    const label = `${words} ${text(units)}`;
    const wide = context.measureText(label).width + now.rem * 0.8;
    const tallHalf = now.rem * 0.55;
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = now.panel;
    context.fillRect(width - wide - 4, y - tallHalf, wide, 2 * tallHalf);
    context.strokeRect(width - wide - 4, y - tallHalf, wide, 2 * tallHalf);
    context.fillStyle = colour;
    context.textAlign = 'right';
    context.fillText(label, width - 4 - now.rem * 0.4, y + 0.5);
  };
  if (walk.limit !== null) {
    // what takes nothing rests on its own side
    const best = rows.prices[0];
    const rests = walk.worst === null && (best === undefined || rows.count === 0 || (walk.bids ? walk.limit > best : walk.limit < best));
    line(rests ? side(!walk.bids) : taken, walk.limit, rests ? 'rests at' : 'limit', now.warning, [4, 3]);
  }
  if (walk.vwap !== null) line(taken, walk.vwap, 'average', now.accent, []);

  const last = rows.prices[rows.count - 1];
  if (walk.worst === null || last === undefined || count < rows.count || reached({ ...walk, worst: last }, walk.worst, 0)) return;
  const words = `goes on to ${walk.cut ? 'beyond ' : ''}${text(walk.worst)}`;
  const wide = context.measureText(words).width + now.rem * 0.8;
  const y = end + (walk.bids ? -now.rem * 0.8 : now.rem * 0.8);
  context.fillStyle = now.panel;
  context.fillRect(width * 0.5 - wide / 2, y - now.rem * 0.6, wide, now.rem * 1.2);
  context.fillStyle = now.accent;
  context.textAlign = 'center';
  context.fillText(words, width * 0.5, y);
}
