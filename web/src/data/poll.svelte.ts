// A REST answer that is asked for again and again while somebody looks at it.

import { get, Problem } from './api';

/** The latest answer, and why there is none. */
export class Poll<T> {
  answer = $state.raw<T | null>(null);
  problem = $state<string | null>(null);
  private timer = 0;
  private stopped = true;
  private aborter = new AbortController();

  constructor(private readonly path: string, private readonly everyMs: number) {}

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
      this.answer = await get<T>(this.path, {}, this.aborter.signal);
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
