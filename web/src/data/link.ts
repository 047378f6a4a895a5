// What page and worker say to each other.

import type { Frame } from './wire';

/** What is subscribed to: one kind for one instrument, for all (`*`), or for none (`fault`, `clock`, `latency`, `system`). */
export interface Topic {
  kind: string;
  instrument: string | null;
  rate: number;
  depth?: number;
}

/** Page to worker. */
export type Order =
  | { op: 'open'; url: string; protocols: string[] }
  | { op: 'close' }
  | { op: 'subscribe'; id: number; topic: Topic }
  | { op: 'unsubscribe'; id: number }
  /** The last batch was taken in: the next may come. */
  | { op: 'ready' }
  /** Do not wait for the next attempt. */
  | { op: 'retry' };

/** State of the connection. */
export interface LinkState {
  state: 'connecting' | 'open' | 'waiting' | 'closed';
  /** When the next attempt is made, unix ms. */
  retryAt: number | null;
  /** Attempts since it was last open. */
  attempts: number;
  /** Why it is not open, for people. */
  reason: string | null;
}

/** A text message of the server. */
export interface Text {
  type: string;
  kind?: string;
  [more: string]: unknown;
}

/** Worker to page. */
export type Report =
  | { type: 'link'; link: LinkState }
  | { type: 'batch'; frames: Frame[]; texts: Text[]; bytes: number; receivedAt: number };

/**
 * The fewest subscriptions that satisfy all wishes: one per kind and instrument at the highest rate and depth wanted,
 * and one for all instruments where anybody wants a kind of all (a frame does not say which subscription it is of).
 */
export function settle(wishes: Topic[]): Map<string, Topic> {
  const all = new Set(wishes.filter((wish) => wish.instrument === '*').map((wish) => wish.kind));
  const settled = new Map<string, Topic>();
  for (const wish of wishes) {
    const instrument = all.has(wish.kind) ? '*' : wish.instrument;
    const key = `${wish.kind} ${instrument ?? ''}`;
    const other = settled.get(key);
    const depth = Math.max(wish.depth ?? 0, other?.depth ?? 0);
    const topic: Topic = { kind: wish.kind, instrument, rate: Math.max(wish.rate, other?.rate ?? 0) };
    if (depth > 0) topic.depth = depth;
    settled.set(key, topic);
  }
  return settled;
}
