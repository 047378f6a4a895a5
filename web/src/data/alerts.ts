// What surveillance says, as far as the page reads it, and the alerts of the stream folded into one list.

import type { Text } from './link';

export type AlertSeverity = 'info' | 'warning' | 'critical';
export type AlertState = 'pending' | 'firing' | 'acknowledged' | 'resolved';

/** A number that an alert rests on. */
export interface Measure {
  name: string;
  value: number;
  cut: number | null;
  zscore: number | null;
}

interface Signed {
  by: string;
  at_ms: number;
}

export interface Alert {
  id: string;
  instrument: string;
  detector: string;
  title: string;
  family: string;
  severity: AlertSeverity;
  state: AlertState;
  since_ms: number;
  fired_ms: number | null;
  resolved_ms: number | null;
  changed_ms: number;
  count: number;
  text: string;
  evidence: Measure[];
  acknowledged: Signed | null;
  closed: Signed | null;
  notes: (Signed & { text: string })[];
  /** The frames around it. */
  frames: 'none' | 'gathering' | 'kept' | 'lost';
  frames_note: string | null;
}

export interface Detector {
  id: string;
  title: string;
  family: string;
  sees: string;
  source: string;
  needs_book: boolean;
  clear_ms: number;
  cooldown_ms: number;
  off: boolean;
  params: Record<string, unknown>;
  instruments: Record<string, Record<string, unknown>>;
}

/** What one detector does for one instrument. */
export interface BoardLine {
  detector: string;
  gauge: Measure | null;
  warmup: [number, number] | null;
  skip: string | null;
  skipped: Record<string, number>;
  found: number;
  suppressed: number;
  firing: AlertSeverity | null;
}

export type BoardLight = 'ok' | 'blind' | AlertSeverity;

/** How the watch over one instrument stands. */
export interface Board {
  id: string;
  canonical: string;
  validity: string;
  values: Record<string, number | null>;
  reasons: Record<string, string>;
  lights: Record<string, BoardLight>;
  detectors: BoardLine[];
}

/** The list after an update of the stream, newest first: a snapshot replaces it, a change adds, exchanges and takes away. */
export function fold(before: Alert[], text: Text): Alert[] {
  const changed = (text['alerts'] as Alert[] | undefined) ?? [];
  const gone = new Set((text['gone'] as string[] | undefined) ?? []);
  const kept = text['snapshot'] === true ? [] : before.filter((alert) => !gone.has(alert.id) && !changed.some((one) => one.id === alert.id));
  return [...kept, ...changed].sort((a, b) => start(b) - start(a) || (a.id < b.id ? -1 : 1));
}

/** When it began to fire, or to be found. */
export function start(alert: Alert): number {
  return alert.fired_ms ?? alert.since_ms;
}

/** Whether somebody has to look. */
export function isOpen(alert: Alert): boolean {
  return alert.state !== 'resolved';
}
