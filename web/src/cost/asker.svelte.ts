// Asks for the cost of an order again as its book moves, while somebody looks at it.

import { get, Problem } from '../data/api';
import { ui } from '../ui.svelte';
import type { CostAnswer } from './answer';
import type { Params } from './order';

/** How often it is looked whether to ask. */
const TURN_MS = 50;
/** What was typed is asked once the typing rests for so long. */
const TYPING_MS = 120;

/** What is to be asked; `moved` goes up with every change of the book. */
export interface Question {
  query: Params | null;
  moved: number;
}

export class Asker {
  answer = $state.raw<CostAnswer | null>(null);
  problem = $state<string | null>(null);
  #asked = '';
  #askedAt = -Infinity;
  #moved = -1;
  #changedAt = 0;
  #wanted = '';
  #aborter: AbortController | null = null;

  constructor(
    /** At most every so many ms; what was changed by hand is asked at once. */
    private readonly everyMs: number,
    private readonly question: () => Question,
  ) {}

  /** Begins; the returned function ends it. */
  start(): () => void {
    const timer = setInterval(() => this.#turn(), TURN_MS);
    this.#turn();
    return () => {
      clearInterval(timer);
      this.#aborter?.abort();
    };
  }

  #turn(): void {
    if (document.hidden) return;
    const { query, moved } = this.question();
    const now = performance.now();
    const wanted = query === null ? '' : JSON.stringify(query);
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#changedAt = this.#asked === '' ? -Infinity : now;
    }
    if (query === null) return;
    const changed = wanted !== this.#asked && now - this.#changedAt >= TYPING_MS;
    // without news the age goes on all the same, once a second
    const due = !ui.paused && wanted === this.#asked && now - this.#askedAt >= (moved === this.#moved ? Math.max(1000, this.everyMs) : this.everyMs);
    if (!changed && (!due || this.#aborter !== null)) return;
    this.#asked = wanted;
    this.#askedAt = now;
    this.#moved = moved;
    this.#aborter?.abort();
    void this.#ask(query, (this.#aborter = new AbortController()));
  }

  async #ask(query: Params, aborter: AbortController): Promise<void> {
    try {
      const answer = await get<CostAnswer>('cost', query, aborter.signal);
      if (aborter.signal.aborted) return;
      this.answer = answer;
      this.problem = null;
    } catch (error) {
      if (aborter.signal.aborted) return;
      this.problem = error instanceof Problem ? error.words : String(error);
    }
    if (this.#aborter === aborter) this.#aborter = null;
  }
}
