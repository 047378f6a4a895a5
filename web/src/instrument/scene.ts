// One instrument's screen as its panels share it: market, time and price window, crosshair, history, clock.

import * as api from '../data/api';
import { store, type Market } from '../data/store';
import { decodeReliefHistory } from '../data/wire';
import { Cross } from './cross';
import { trackIds } from './charts';
import { HeatFeed } from './feed';
import { Track } from './track';
import { View } from './view';

/** Span of time at first, ms. */
export const SPAN_MS = 300_000;
/** How far back the API keeps columns and metrics, ms. */
const HISTORY_MS = 30 * 60_000;
/** No news for this long while the book is said to be live: the picture is dimmed. */
const STALE_MS = 3_000;

export class Scene {
  readonly id: string;
  readonly view = new View();
  readonly cross = new Cross();
  readonly feed = new HeatFeed();
  readonly track: Track;
  /** Device pixels over which time is spread. */
  pixels = 1000;
  /** Times in UTC; otherwise in the browser's zone. */
  utc = true;
  /** What became of the history: its words when it could not be had. */
  historyProblem: string | null = null;
  historyLoaded = false;
  #abort = new AbortController();
  /** The connection was lost since the past was fetched. */
  #cut = false;
  #tickAt = NaN;
  #tickSeen = 0;
  #rate = 0;

  constructor(id: string) {
    this.id = id;
    this.view.spanMs = SPAN_MS;
    this.track = new Track(trackIds(store.catalogue));
  }

  /** Takes in what arrived since the last frame. */
  take(): void {
    const { market } = this;
    if (!market) return;
    this.feed.take(market);
    this.track.take(market);
    this.view.advance(this.now(), this.pixels);
  }

  get market(): Market | undefined {
    return store.market(this.id);
  }

  /** Subscribes to all that the screen shows, and fetches the past; the returned function ends it. */
  start(rate = 10): () => void {
    const ends = [
      store.subscribe('metrics', this.id, { rate }),
      store.subscribe('book', this.id, { rate, depth: 100 }),
      store.subscribe('trades', this.id, { rate }),
      store.subscribe('relief', this.id, { rate: 5 }),
      store.subscribe('profile', this.id, { rate: 1 }),
      store.listen((what) => {
        if (what === 'reset' || what === 'rewind') {
          this.feed.start(null);
          this.#again();
        } else if (what === 'clock') {
          this.#tick();
        } else if (what === 'link' && store.link.state !== 'open') {
          this.#cut = true;
        } else if (what === 'instruments' && this.#cut && store.link.state === 'open') {
          this.#cut = false;
          this.#again();
        }
      }),
    ];
    void this.#past();
    return () => {
      this.#abort.abort();
      for (const end of ends) end();
    };
  }

  /** Subscribes to what a ladder alone shows. */
  startBook(rate = 5): () => void {
    const ends = [
      store.subscribe('book', this.id, { rate, depth: 100 }),
      store.subscribe('trades', this.id, { rate }),
      store.subscribe('metrics', this.id, { rate: 2 }),
    ];
    return () => ends.forEach((end) => end());
  }

  /** Fetches the past anew: time has jumped, or something was missed. */
  #again(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.track.clear();
    void this.#past();
  }

  async #past(): Promise<void> {
    const { signal } = this.#abort;
    try {
      await known(() => this.market, signal);
      const market = this.market;
      if (!market) return;
      const to = this.now();
      this.historyProblem = null;
      const query = { from_ms: Math.floor(to - HISTORY_MS), to_ms: Math.ceil(to) };
      const metrics = this.track.past(this.id, query.from_ms, query.to_ms, signal);
      metrics.catch(() => undefined); // heard below, unless the other request fails first
      const bytes = await api.getBytes(`instruments/${encodeURIComponent(this.id)}/relief`, query, signal);
      this.feed.take(market);
      this.feed.history(decodeReliefHistory(bytes), market.info.price_decimals);
      await metrics;
    } catch (error) {
      if (signal.aborted) return;
      this.historyProblem = error instanceof api.Problem ? error.words : String(error);
    }
    this.historyLoaded = true;
  }

  /** The right edge of time, unix ms: the server's clock; in a replay the recording's, moved on between its ticks. */
  now(): number {
    const { clock } = store;
    if (!store.isReplay || !clock) return store.now();
    const moved = Math.min(1200, performance.now() - this.#tickSeen) * this.#rate;
    return Math.max(this.feed.newestMs, clock.at_ms + moved);
  }

  /** A replay's clock ticks once a second: how fast its time passes is learnt from tick to tick, so that pauses show. */
  #tick(): void {
    const at = store.clock?.at_ms ?? NaN;
    const here = performance.now();
    const rate = (at - this.#tickAt) / (here - this.#tickSeen);
    this.#rate = rate > 0 && rate < 200 ? rate : 0;
    this.#tickAt = at;
    this.#tickSeen = here;
  }

  /** Why what is shown cannot be vouched for now, in words; null while it can. */
  doubt(): string | null {
    const { market } = this;
    if (!market) return null;
    if (store.link.state !== 'open') {
      return market.book.at > 0 ? `disconnected: ${Math.max(0, Math.round((store.now() - market.book.at) / 1000))} s old` : 'disconnected';
    }
    const validity = store.validityOf(market);
    if (validity !== 'live') {
      const since = market.status?.since_ms;
      const age = since ? Math.max(0, (this.now() - since) / 1000) : NaN;
      return `book ${WORDS[validity] ?? validity}${Number.isFinite(age) ? `, ${age < 10 ? age.toFixed(1) : Math.round(age)} s` : ''}`;
    }
    const age = this.now() - Math.max(market.book.at, market.metrics.at);
    if (market.book.version > 0 && age > STALE_MS && !store.isReplay) return `no news for ${Math.round(age / 1000)} s`;
    return null;
  }
}

const WORDS: Record<string, string> = {
  empty: 'not received yet',
  syncing: 'waiting for a snapshot',
  gap: 'lost a change: new snapshot requested',
  checksum: 'failed its checksum: new snapshot requested',
  audit: 'disagrees with an independent message',
  crossed: 'crossed',
  disconnected: 'disconnected',
  stale: 'silent although news are due',
};

/** Waits until something is there. */
async function known(what: () => unknown, signal: AbortSignal): Promise<void> {
  while (!what() && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 50));
}
