// What the API says in JSON (docs/api.md), as far as the page reads it.

/** A column of the metrics. */
export interface Column {
  index: number;
  id: string;
  unit: string;
  help: string;
  formula: string;
}

/** A word of a closed list: a validity, a reason. */
export interface Word {
  index: number;
  id: string;
  help: string;
}

export interface Catalogue {
  version: string;
  columns: Column[];
  validities: Word[];
  reasons: Word[];
  fault_kinds: unknown[];
  remedies: unknown[];
  kinds: string[];
  rates_hz: number[];
  limits: Record<string, unknown>;
}

/** State and counters of one book. */
export interface Status {
  validity: string;
  since?: string;
  since_ms: number | null;
  frames?: number;
  diffs_applied?: number;
  gaps?: number;
  resyncs?: number;
  checksums_ok?: number;
  checksums_bad?: number;
  audit_checked?: number;
  audit_matched?: number;
  trades?: number;
  duplicates?: number;
  bbo_updates?: number;
  levels?: [number, number];
  last_update_id: number;
  latency_raw_ms: number | null;
  latency_ms: number | null;
  latency_uncertainty_ms: number | null;
  recovery_ms: number | null;
  last_at_ms: number | null;
  [more: string]: unknown;
}

/** One instrument. */
export interface Instrument {
  index: number;
  id: string;
  venue: string;
  symbol: string;
  canonical: string;
  kind: 'spot' | 'perpetual' | 'future' | 'option';
  base: string;
  quote: string;
  price_decimals: number;
  size_decimals: number;
  tick: string | null;
  lot: string | null;
  /** What sizes count. */
  size_unit: 'base' | 'contracts';
  contract_size: string | null;
  inverse: boolean;
  state: string | null;
  status?: Status | null;
}

export interface Fault {
  sequence: number;
  at: string;
  at_ms: number;
  instrument: string | null;
  kind: string;
  remedy: string;
  text: string;
}

/** Where the numbers come from. */
export interface Mode {
  kind: 'live' | 'demo' | 'replay';
  seed?: number;
  source?: string;
  speed?: number;
  [more: string]: unknown;
}

export interface Time {
  at: string;
  at_ms: number;
  mode: Mode;
  uptime_seconds: number;
  version: string;
}

/** State of the opened recording. */
export interface Replay {
  open: boolean;
  name: string | null;
  state: 'playing' | 'paused' | 'ended' | null;
  /** On its way to another time, at full speed. */
  seeking: boolean;
  speed: number | null;
  at_ms: number | null;
  from_ms: number | null;
  /** Null until the recording has been read through once. */
  to_ms: number | null;
  frame: number | null;
  frames_known: number | null;
  error: string | null;
}

export interface Recording {
  name: string;
  bytes: number;
  from: string | null;
  to: string | null;
  kind: string;
}

export interface LatencyStage {
  id: string;
  unit: 'ms' | 'us';
  help: string;
  count: number;
  p50: number | null;
  p90: number | null;
  p99: number | null;
  p999: number | null;
  max: number | null;
  histogram: { edges: number[]; counts: number[] };
}

/** Values over time, one array per column beside the instants. */
export interface Line {
  at_ms: number[];
  columns: Record<string, (number | null)[]>;
}

export interface Latency {
  stages: LatencyStage[];
  streams: {
    exchange: string;
    stream: string;
    count: number;
    raw_ms: { p50: number | null; p99: number | null; max: number | null };
    corrected_ms: { p50: number | null; p99: number | null } | null;
    offset_ms: number | null;
    uncertainty_ms: number | null;
  }[];
  line: Line;
}

export interface SystemState {
  cpu_percent: number | null;
  memory_mb: number | null;
  memory_baseline_mb: number | null;
  memory_growth_percent: number | null;
  memory_alert: boolean;
  threads: number | null;
  uptime_seconds: number;
  queues: { id: string; length: number; limit: number; bytes: number | null; dropped: number; help: string }[];
  links: {
    exchange: string;
    host: string;
    streams: unknown;
    state: string;
    since_ms: number | null;
    reconnects: number;
    last_error: string | null;
    frames: number;
    bytes: number;
    [more: string]: unknown;
  }[];
  books: {
    id: string;
    validity: string;
    gaps: number;
    resyncs: number;
    recovery_ms: number | null;
    audit_checked: number;
    audit_matched: number;
    checksums_ok: number;
    checksums_bad: number;
  }[];
  tape: { folder: string; segment: number; bytes: number; bytes_per_second: number | null; ratio: number | null; failed: boolean } | null;
  bandwidth_bytes_per_second: number | null;
  frames_per_second: number | null;
  readers: { connected: number; conflated: number; cut: number };
  line: Line;
}

/** Prices at which was traded, for one instrument. */
export interface Profile {
  id: string;
  row: string;
  rolling_seconds: number;
  rolling: { price: string; buy: number | string; sell: number | string }[];
  session: { price: string; buy: number | string; sell: number | string }[];
}
