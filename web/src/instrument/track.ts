// Metric columns over time for the charts: the past from the API a second apart, then what the stream brings.

import * as api from '../data/api';
import { store, type Market } from '../data/store';

/** Least time between two live points, ms. */
const STEP_MS = 250;
/** Points kept: 30 minutes of history and an hour of live ones. */
const CAPACITY = 16_384;

interface History {
  at_ms: number[];
  values: Record<string, (number | null)[]>;
  reasons?: Record<string, Record<string, string>>;
}

export class Track {
  readonly ids: string[];
  readonly ats = new Float64Array(CAPACITY);
  /** One array per id; absent is NaN. */
  readonly values: Float64Array[];
  /** Index into the catalogue's reasons; 0: present. */
  readonly reasons: Uint8Array[];
  count = 0;
  /** Counts changes. */
  changes = 0;
  #columns: number[] = [];
  #catalogue = -1;
  #version = -1;

  constructor(ids: string[]) {
    this.ids = ids;
    this.values = ids.map(() => new Float64Array(CAPACITY).fill(NaN));
    this.reasons = ids.map(() => new Uint8Array(CAPACITY));
  }

  /** The newest metrics, if they are due. */
  take(market: Market): void {
    const { metrics } = market;
    if (metrics.version === this.#version || metrics.version === 0) return;
    const last = this.count > 0 ? this.ats[this.count - 1]! : -Infinity;
    if (metrics.at < last + STEP_MS) return;
    const known = store.catalogue?.columns.length ?? 0;
    if (known !== this.#catalogue) {
      this.#catalogue = known;
      this.#columns = this.ids.map((id) => store.column(id));
    }
    this.#version = metrics.version;
    const at = this.#room();
    this.ats[at] = metrics.at;
    for (let i = 0; i < this.ids.length; i += 1) {
      const column = this.#columns[i]!;
      const reason = column < 0 ? 255 : (metrics.reasons[column] ?? 255);
      this.values[i]![at] = reason === 0 ? metrics.values[column]! : NaN;
      this.reasons[i]![at] = reason;
    }
    this.changes += 1;
  }

  #room(): number {
    if (this.count === CAPACITY) {
      const cut = CAPACITY / 8;
      this.ats.copyWithin(0, cut);
      for (const values of this.values) values.copyWithin(0, cut);
      for (const reasons of this.reasons) reasons.copyWithin(0, cut);
      this.count -= cut;
    }
    this.count += 1;
    return this.count - 1;
  }

  /** Fetches what was before the first live point. */
  async past(id: string, fromMs: number, toMs: number, signal: AbortSignal): Promise<void> {
    const columns = this.ids.filter((one) => store.column(one) >= 0).join(',');
    if (columns === '') return;
    const query = { columns, from_ms: Math.floor(fromMs), to_ms: Math.ceil(toMs), resolution: '1s' };
    this.before(await api.get<History>(`instruments/${encodeURIComponent(id)}/metrics/history`, query, signal));
  }

  /** Puts a history before the live points. */
  before(history: History): void {
    const first = this.count > 0 ? this.ats[0]! : Infinity;
    let add = history.at_ms.length;
    while (add > 0 && history.at_ms[add - 1]! >= first) add -= 1;
    const skip = Math.max(0, add - (CAPACITY - this.count));
    const kept = add - skip;
    if (kept <= 0) return;
    this.ats.copyWithin(kept, 0, this.count);
    for (let k = 0; k < kept; k += 1) this.ats[k] = history.at_ms[skip + k]!;
    for (let i = 0; i < this.ids.length; i += 1) {
      const values = this.values[i]!;
      const reasons = this.reasons[i]!;
      values.copyWithin(kept, 0, this.count);
      reasons.copyWithin(kept, 0, this.count);
      const past = history.values[this.ids[i]!];
      const runs = history.reasons?.[this.ids[i]!] ?? {};
      let reason = 255;
      for (let k = 0; k < add; k += 1) {
        const run = runs[k];
        if (run !== undefined) reason = store.catalogue?.reasons.find((word) => word.id === run)?.index ?? 255;
        if (k < skip) continue;
        const value = past?.[k] ?? null;
        values[k - skip] = value ?? NaN;
        reasons[k - skip] = value === null ? reason : 0;
      }
    }
    this.count += kept;
    this.changes += 1;
  }

  /** First point at or after an instant. */
  from(atMs: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ats[middle]! < atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The point that holds at an instant; -1 before the first and well after the last. */
  at(atMs: number, within = 5_000): number {
    const next = this.from(atMs + 0.001);
    const found = next - 1;
    return found >= 0 && atMs - this.ats[found]! <= within ? found : -1;
  }

  clear(): void {
    this.count = 0;
    this.#version = -1;
    this.changes += 1;
  }
}
