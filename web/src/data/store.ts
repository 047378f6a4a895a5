// Everything the page knows of the markets: plain objects filled from the stream, read by the drawers in the frame loop.

import { beforeFrame } from '../frame';
import { fold, type Alert } from './alerts';
import * as api from './api';
import { Book } from './book';
import { Delays } from './delays';
import { settle, type LinkState, type Order, type Report, type Text, type Topic } from './link';
import { Relief, Spark, Trades } from './rings';
import type { Catalogue, Fault, Instrument, Status, Time } from './types';
import type { Frame, MetricsFrame } from './wire';

/** Faults kept. */
const FAULTS_MAX = 200;
/** Mids kept per instrument for its small chart: one a second. */
const SPARK_MAX = 180;
/** Instruments whose heatmap columns are kept after nobody looks at them. */
const RELIEFS_MAX = 3;

/** The latest metrics of one instrument; columns as in the catalogue. */
export class Metrics {
  values = new Float64Array(0);
  /** Index into the catalogue's reasons; 0: present. */
  reasons = new Uint8Array(0);
  version = 0;
  sequence = -1;
  at = 0;

  apply(frame: MetricsFrame): void {
    if (frame.snapshot) this.reasons.fill(255);
    for (let i = 0; i < frame.columns.length; i++) {
      const column = frame.columns[i] ?? 0;
      if (column >= this.values.length) this.grow(column + 1);
      this.values[column] = frame.values[i] ?? 0;
      this.reasons[column] = frame.reasons[i] ?? 0;
    }
    this.version += 1;
    this.sequence = frame.sequence;
    this.at = frame.at;
  }

  private grow(length: number): void {
    const values = new Float64Array(Math.max(length, 64));
    const reasons = new Uint8Array(values.length).fill(255);
    values.set(this.values);
    reasons.set(this.reasons);
    this.values = values;
    this.reasons = reasons;
  }
}

/** One instrument with all that was received of it. */
export class Market {
  info: Instrument;
  status: Status | null;
  /** Index into the catalogue's validities, as the newest frame had it. */
  validity: number;
  readonly metrics = new Metrics();
  readonly book = new Book();
  trades = new Trades();
  relief = new Relief();
  mids = new Spark(SPARK_MAX, 1000);
  /** Latest answer of kind `profile`, as it came. */
  profile: unknown = null;
  /** Goes up whenever anything of it changed. */
  version = 0;

  constructor(info: Instrument) {
    this.info = info;
    this.status = info.status ?? null;
    this.validity = -1;
  }

  get id(): string {
    return this.info.id;
  }
  /** A price in units as a number in quote currency. */
  price(units: number): number {
    return units / 10 ** this.info.price_decimals;
  }
  /** A size in units as a number in what the venue counts in. */
  size(units: number): number {
    return units / 10 ** this.info.size_decimals;
  }
}


/** What happens to the store, for the chrome. */
export type Happening = 'link' | 'catalogue' | 'instruments' | 'fault' | 'alerts' | 'clock' | 'status' | 'text' | 'reset' | 'rewind';

class Store {
  /** By instrument index. */
  markets: Market[] = [];
  catalogue: Catalogue | null = null;
  faults: Fault[] = [];
  faultsSeen = 0;
  /** What surveillance found, newest first. */
  alerts: Alert[] = [];
  clock: Time | null = null;
  link: LinkState = { state: 'connecting', retryAt: null, attempts: 0, reason: null };
  /** Latest message of the kinds that have no instrument (`latency`, `system`). */
  readonly latest = new Map<string, Text>();
  /** Server clock minus this browser's, ms: what is displayed as age is measured against the server. */
  offsetMs = 0;
  /** Bytes and messages received since the page was opened. */
  received = { bytes: 0, messages: 0, conflated: 0 };
  /** Arrival in this browser to the frame that shows it, of the latest batches. */
  readonly shown = new Delays();
  /** The server's receipt of the newest book update of a batch to the frame that shows it. */
  readonly through = new Delays();

  private columns = new Map<string, number>();
  private ids = new Map<string, Market>();
  private worker: Worker | null = null;
  private wanted = new Map<symbol, Topic>();
  private live = new Map<string, { id: number; topic: Topic }>();
  private arranging = false;
  private nextId = 1;
  private listeners = new Set<(what: Happening, detail?: unknown) => void>();
  private reliefs: Market[] = [];
  private pending: Extract<Report, { type: 'batch' }> | null = null;
  private acked = true;

  /** Tells of what happens; the returned function ends it. */
  listen(hear: (what: Happening, detail?: unknown) => void): () => void {
    this.listeners.add(hear);
    return () => this.listeners.delete(hear);
  }

  /** Position of a metric column, -1 where the server has no such column. */
  column(id: string): number {
    return this.columns.get(id) ?? -1;
  }

  /** An instrument by its identity (`binance:BTCUSDT`). */
  market(id: string | null): Market | undefined {
    return id === null ? undefined : this.ids.get(id);
  }

  /** The latest value of a column, null where it is absent. */
  value(market: Market, column: number): number | null {
    return column >= 0 && market.metrics.reasons[column] === 0 ? (market.metrics.values[column] ?? null) : null;
  }

  /** Why a value is absent, for people; null where it is present. */
  reason(market: Market, column: number): string | null {
    if (column < 0) return 'this server has no such metric';
    const index = market.metrics.version === 0 ? 255 : (market.metrics.reasons[column] ?? 255);
    if (index === 0) return null;
    if (index === 255) return 'nothing received yet';
    return this.catalogue?.reasons.find((word) => word.index === index)?.help ?? `reason ${index}`;
  }

  /** Name of a validity (`live`, `gap`); empty while nothing is known. */
  validityOf(market: Market): string {
    if (market.validity >= 0) {
      const word = this.catalogue?.validities.find((v) => v.index === market.validity);
      if (word) return word.id;
    }
    return market.status?.validity ?? 'empty';
  }

  /** Now as the server's clock has it, unix ms; in a replay the position in the recording. */
  now(): number {
    return this.clock && this.isReplay ? this.clock.at_ms : Date.now() + this.offsetMs;
  }

  get isReplay(): boolean {
    return this.clock?.mode.kind === 'replay';
  }

  /** Connects, and fetches what does not change. */
  start(): void {
    this.worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'stream' });
    this.worker.onmessage = (event: MessageEvent<Report>) => this.hear(event.data);
    beforeFrame((now) => this.drawn(now));
    setInterval(() => document.hidden && this.drawn(performance.now()), 500); // a hidden tab has no frames
    this.open();
  }

  /** Reads another engine: everything known is forgotten. */
  switchTo(source: api.Source): void {
    api.setSource(source);
    this.forget();
    this.open();
  }

  /** A replay stands at another time: what was gathered on the way to the old one is not its past. */
  rewind(): void {
    for (const market of this.markets) {
      if (!market) continue;
      market.trades = new Trades();
      market.relief = new Relief();
      market.mids = new Spark(SPARK_MAX, 1000);
      market.version += 1;
    }
    this.tell('rewind');
  }

  retry(): void {
    this.order({ op: 'retry' });
  }

  /** Opens the connection anew, with what is now known of token and source. */
  open(): void {
    const token = api.currentToken();
    this.order({ op: 'open', url: api.streamUrl(), protocols: token ? ['fathometer', `token.${token}`] : [] });
  }

  /**
   * Asks for a kind of one instrument, or of all with `*`, until the returned function is called. Several users of the
   * same share one subscription at the highest rate and depth that any of them wants.
   */
  subscribe(kind: string, instrument: string | null, want: { rate?: number; depth?: number } = {}): () => void {
    const user = Symbol(kind);
    this.wanted.set(user, { kind, instrument, rate: want.rate ?? 1, depth: want.depth });
    this.arrangeSoon();
    return () => {
      if (this.wanted.delete(user)) this.arrangeSoon();
    };
  }

  /** What a change of view ends and begins is settled together. */
  private arrangeSoon(): void {
    if (this.arranging) return;
    this.arranging = true;
    setTimeout(() => {
      this.arranging = false;
      this.arrange();
    });
  }

  private arrange(): void {
    const next = settle([...this.wanted.values()]);
    for (const [key, live] of this.live) {
      const topic = next.get(key);
      if (topic && topic.rate === live.topic.rate && topic.depth === live.topic.depth) {
        next.delete(key);
      } else {
        this.order({ op: 'unsubscribe', id: live.id });
        this.live.delete(key);
      }
    }
    for (const [key, topic] of next) {
      const id = this.nextId++;
      this.live.set(key, { id, topic });
      this.order({ op: 'subscribe', id, topic });
    }
  }

  private order(order: Order): void {
    this.worker?.postMessage(order);
  }

  private tell(what: Happening, detail?: unknown): void {
    for (const hear of this.listeners) hear(what, detail);
  }

  private hear(report: Report): void {
    if (report.type === 'link') {
      this.link = report.link;
      if (report.link.state === 'open') void this.refresh();
      this.tell('link');
      return;
    }
    this.pending = report;
    this.acked = false;
    this.received.bytes += report.bytes;
    this.received.messages += report.frames.length + report.texts.length;
    for (const text of report.texts) this.text(text);
    for (const frame of report.frames) this.frame(frame);
  }

  /** Once per animation frame: what was taken in is drawn now, the worker may hand over the next. */
  private drawn(now: number): void {
    if (this.acked) return;
    this.acked = true;
    if (this.pending) {
      const shownAt = performance.timeOrigin + now;
      this.shown.add(shownAt - this.pending.receivedAt);
      let newest = 0;
      for (const frame of this.pending.frames) if (frame.kind === 'book' && !frame.snapshot && frame.at > newest) newest = frame.at;
      if (newest > 0 && !this.isReplay) this.through.add(shownAt + this.offsetMs - newest);
      this.pending = null;
    }
    this.order({ op: 'ready' });
  }

  /** Fetches what the stream does not bring: catalogue, instruments, time, the latest faults. */
  private async refresh(): Promise<void> {
    try {
      const asked = Date.now();
      const [catalogue, time, instruments, faults] = await Promise.all([
        this.catalogue ?? api.get<Catalogue>('catalogue'),
        api.get<Time>('time'),
        api.get<{ instruments: Instrument[] }>('instruments'),
        api.get<{ seen: number; faults: Fault[] }>('faults', { limit: FAULTS_MAX }),
      ]);
      this.catalogue = catalogue;
      this.columns = new Map(catalogue.columns.map((column) => [column.id, column.index]));
      this.tell('catalogue');
      this.tick(time, (Date.now() - asked) / 2);
      for (const info of instruments.instruments) this.learn(info);
      this.tell('instruments');
      this.faults = faults.faults;
      this.faultsSeen = faults.seen;
      this.tell('fault');
    } catch (error) {
      console.info('the page could not read the API yet:', error instanceof api.Problem ? error.words : error);
      this.tell('text', error);
      setTimeout(() => this.link.state === 'open' && void this.refresh(), 2000);
    }
  }

  private tick(time: Time, travelMs = 0): void {
    this.clock = time;
    if (time.mode.kind !== 'replay') this.offsetMs = time.at_ms + travelMs - Date.now();
    this.tell('clock');
  }

  private learn(info: Instrument): void {
    const known = this.markets[info.index];
    if (known && known.info.id === info.id) {
      known.info = { ...known.info, ...info };
      if (info.status) known.status = info.status;
      known.version += 1;
      return;
    }
    const market = new Market(info);
    this.markets[info.index] = market;
    this.ids.set(info.id, market);
  }

  private forget(): void {
    this.markets = [];
    this.ids.clear();
    this.faults = [];
    this.faultsSeen = 0;
    this.alerts = [];
    this.clock = null;
    this.latest.clear();
    this.reliefs = [];
    this.tell('reset');
  }

  private frame(frame: Frame): void {
    const market = this.markets[frame.instrument];
    if (!market) return; // its `instrument` message or the list follows
    market.validity = frame.validity;
    market.version += 1;
    switch (frame.kind) {
      case 'metrics': {
        market.metrics.apply(frame);
        const mid = this.value(market, this.column('mid'));
        market.mids.push(frame.at, mid ?? NaN);
        break;
      }
      case 'book':
        market.book.apply(frame);
        break;
      case 'trades':
        market.trades.apply(frame);
        break;
      case 'relief':
        this.keepRelief(market);
        market.relief.apply(frame);
        break;
    }
  }

  private keepRelief(market: Market): void {
    if (this.reliefs[0] === market) return;
    this.reliefs = [market, ...this.reliefs.filter((other) => other !== market)];
    while (this.reliefs.length > RELIEFS_MAX) {
      const oldest = this.reliefs.pop();
      if (oldest) oldest.relief = new Relief();
    }
  }

  private text(text: Text): void {
    switch (text.type) {
      case 'hello':
        for (const info of (text['instruments'] as Instrument[] | undefined) ?? []) this.learn(info);
        this.tell('instruments');
        break;
      case 'instrument':
        this.learn((text['instrument'] ?? text) as Instrument);
        this.tell('instruments');
        break;
      case 'conflated':
        this.received.conflated += Number(text['skipped'] ?? 1);
        break;
      case 'update':
        this.update(text);
        break;
      case 'error':
        console.warn('the stream refused:', text);
        break;
    }
    this.tell('text', text);
  }

  private update(text: Text): void {
    const market = this.market((text['instrument'] as string | undefined) ?? null);
    switch (text.kind) {
      case 'status':
        if (!market) return;
        market.status = (text['status'] ?? text) as unknown as Status;
        market.validity = this.catalogue?.validities.find((v) => v.id === market.status?.validity)?.index ?? market.validity;
        market.version += 1;
        this.tell('status', market);
        break;
      case 'profile':
        if (!market) return;
        market.profile = text['profile'] ?? text;
        market.version += 1;
        break;
      case 'fault': {
        const faults = (text['faults'] as Fault[] | undefined) ?? [(text['fault'] ?? text) as unknown as Fault];
        const newest = this.faults.at(-1)?.sequence ?? -1;
        this.faults = [...this.faults, ...faults.filter((fault) => fault.sequence > newest)].slice(-FAULTS_MAX);
        this.faultsSeen = Math.max(this.faultsSeen, this.faults.at(-1)?.sequence ?? 0, Number(text['seen'] ?? 0));
        this.tell('fault');
        break;
      }
      case 'alerts':
        this.alerts = fold(this.alerts, text);
        this.tell('alerts');
        break;
      case 'clock':
        this.tick((text['clock'] ?? text) as unknown as Time);
        break;
      default:
        if (text.kind) this.latest.set(text.kind, text);
    }
  }
}

export const store = new Store();
