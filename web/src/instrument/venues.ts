// The same coin on several venues: who belongs together, and how an aggregated book is drawn.

import type { Instrument } from '../data/types';

/** Answer of `/groups/{canonical}/book`. */
export interface GroupBook {
  canonical: string;
  bids: GroupRow[];
  asks: GroupRow[];
  left_out: { id: string; reason: string }[];
  complete?: boolean;
  at_ms?: number | null;
}

export interface GroupRow {
  price: string;
  size: string;
  parts: { id: string; size: string }[];
}

/** Instruments of the same base and quote: spot first, then by venue. */
export function siblings(all: Instrument[], of: Instrument): Instrument[] {
  const rank = (one: Instrument): number => ['spot', 'perpetual', 'future', 'option'].indexOf(one.kind);
  return all
    .filter((one) => one.base === of.base && one.quote === of.quote)
    .sort((a, b) => rank(a) - rank(b) || (a.venue < b.venue ? -1 : a.venue > b.venue ? 1 : 0));
}

/** Those whose books are one group: the same thing, not only the same coin. */
export function members(all: Instrument[], of: Instrument): Instrument[] {
  return siblings(all, of).filter((one) => one.canonical === of.canonical);
}

export interface GroupBar {
  price: string;
  size: number;
  sum: number;
  /** Size per member, in the members' order. */
  parts: number[];
}

/** Rows as they are drawn: numbers, running sums, parts in a fixed order of members. */
export function groupBars(rows: GroupRow[], ids: string[]): GroupBar[] {
  let sum = 0;
  return rows.map((row) => {
    const size = Number(row.size);
    sum += size;
    const parts = ids.map((id) => Number(row.parts.find((part) => part.id === id)?.size ?? 0));
    return { price: row.price, size, sum, parts };
  });
}
