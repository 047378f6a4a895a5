// A REST answer that is asked for again and again while somebody looks at it.

import { get, Problem } from './api';
import type { Line } from './types';

/** Rows of a line that are asked for once it is there; more than passes between two answers. */
const LATEST_ROWS = 15;

/** The latest answer, and why there is none. */
export class Poll<T> {
  answer = $state.raw<T | null>(null);
  problem = $state<string | null>(null);
  private timer = 0;
  private stopped = true;
  private aborter = new AbortController();

  constructor(
    private readonly path: string,
    private readonly everyMs: number,
    /** For answers with a line over time: how many rows of it are kept; only its newest rows are asked for again. */
    private readonly rows = 0,
  ) {}

  /** Begins; the returned function ends it. */
  start(): () => void {
    this.stopped = false;
    this.aborter = new AbortController();
    void this.turn();
    return () => {
      this.stopped = true;
      clearTimeout(this.timer);
      this.aborter.abort();
    };
  }

  /** Asks at once. */
  async now(): Promise<void> {
    try {
      const before = this.rows > 0 && this.answer ? (this.answer as { line?: Line }).line : undefined;
      const query = before && before.at_ms.length > 0 ? { line_seconds: LATEST_ROWS } : {};
      const next = await get<T>(this.path, query, this.aborter.signal);
      if (before && before.at_ms.length > 0) (next as { line: Line }).line = extend(before, (next as { line: Line }).line, this.rows);
      this.answer = next;
      this.problem = null;
    } catch (error) {
      if (this.stopped) return;
      this.problem = error instanceof Problem ? error.words : String(error);
    }
  }

  private async turn(): Promise<void> {
    if (!document.hidden) await this.now();
    if (!this.stopped) this.timer = window.setTimeout(() => void this.turn(), this.everyMs);
  }
}

/** A line with newer rows behind it; where they do not join, the newer ones alone. */
export function extend(before: Line, next: Line, rows: number): Line {
  const last = before.at_ms.at(-1) ?? -Infinity;
  if ((next.at_ms[0] ?? Infinity) > last + 5000) return next; // something is missing between: it comes with the whole line
  const from = next.at_ms.findIndex((at) => at > last);
  if (from < 0) return before;
  const cut = Math.max(0, before.at_ms.length + next.at_ms.length - from - rows);
  const join = <V>(old: V[] | undefined, more: V[]): V[] => [...(old ?? []).slice(cut), ...more.slice(from)];
  const columns = Object.entries(next.columns).map(([id, values]) => [id, join(before.columns[id], values)] as const);
  return { at_ms: join(before.at_ms, next.at_ms), columns: Object.fromEntries(columns) };
}
