// Binary frames of the stream as typed objects. Little-endian; 24 bytes of header, then a body by kind (docs/api.md).

/** Kinds of binary frame, as in the header's second byte. */
export const KIND = { metrics: 1, book: 2, trades: 3, relief: 4 } as const;

const VERSION = 1;
const HEADER_BYTES = 24;
const NONE = -(2n ** 63n);

/** What is common to all frames. */
export interface Head {
  /** First of its topic, or first after something was left out: replaces what was known. */
  snapshot: boolean;
  /** Index into the catalogue's validities. */
  validity: number;
  /** Index of the instrument. */
  instrument: number;
  /** One more than the frame before of the same topic, unless it is a snapshot. */
  sequence: number;
  /** Receive time of the newest exchange frame in it, unix ms. */
  at: number;
}

/** Changed metric columns. */
export interface MetricsFrame extends Head {
  kind: 'metrics';
  /** Column, reason of absence (0 = present) and value of each, in that order. */
  columns: Uint16Array;
  reasons: Uint8Array;
  values: Float64Array;
}

/** Changed price levels; in a snapshot all that are shown, best first. */
export interface BookFrame extends Head {
  kind: 'book';
  /** How many of the levels are bids; they come first. */
  bids: number;
  /** Prices and sizes in the instrument's units: whole numbers below 2^50. */
  prices: Float64Array;
  sizes: Float64Array;
}

/** Trades, oldest first. */
export interface TradesFrame extends Head {
  kind: 'trades';
  /** Receive time, unix ms. */
  ats: Float64Array;
  /** In the instrument's units. */
  prices: Float64Array;
  sizes: Float64Array;
  /** 1 where the taker bought. */
  buys: Uint8Array;
}

/** One column of the liquidity heatmap. */
export interface ReliefFrame extends Head {
  kind: 'relief';
  /** Price units per row. */
  row: number;
  /** Row number of `sizes[0]`; its lowest price is `first * row` units. */
  first: number;
  /** Price units; null where that side is empty. */
  bestBid: number | null;
  bestAsk: number | null;
  /** Index in `sizes` of the row that holds the best ask. */
  split: number;
  /** Resting size per row, as shown (coins or contracts). */
  sizes: Float32Array;
}

export type Frame = MetricsFrame | BookFrame | TradesFrame | ReliefFrame;

/** A frame that is not what the contract says. */
export class WireError extends Error {}

/** Reads one frame. Throws `WireError` on anything that is not exactly one. */
export function decode(buffer: ArrayBuffer): Frame {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES) throw new WireError(`frame of ${buffer.byteLength} bytes: the header has ${HEADER_BYTES}`);
  const version = view.getUint8(0);
  if (version !== VERSION) throw new WireError(`frame version ${version}: this page reads ${VERSION}; reload the page`);
  const kind = view.getUint8(1);
  const head: Head = {
    snapshot: (view.getUint8(2) & 1) !== 0,
    validity: view.getUint8(3),
    instrument: view.getUint32(4, true),
    sequence: Number(view.getBigUint64(8, true)),
    at: millis(view, 16),
  };
  switch (kind) {
    case KIND.metrics:
      return metrics(view, head);
    case KIND.book:
      return book(view, head);
    case KIND.trades:
      return trades(view, head);
    case KIND.relief:
      return relief(view, head);
    default:
      throw new WireError(`frame kind ${kind} is unknown`);
  }
}

/** The buffers of a frame, to be handed to another thread without a copy. */
export function transferables(frame: Frame): ArrayBuffer[] {
  switch (frame.kind) {
    case 'metrics':
      return [frame.columns.buffer, frame.reasons.buffer, frame.values.buffer] as ArrayBuffer[];
    case 'book':
      return [frame.prices.buffer, frame.sizes.buffer] as ArrayBuffer[];
    case 'trades':
      return [frame.ats.buffer, frame.prices.buffer, frame.sizes.buffer, frame.buys.buffer] as ArrayBuffer[];
    case 'relief':
      return [frame.sizes.buffer] as ArrayBuffer[];
  }
}

/** The history of the relief: frames, each behind its length. */
export function decodeReliefHistory(buffer: ArrayBuffer): ReliefFrame[] {
  const view = new DataView(buffer);
  const columns: ReliefFrame[] = [];
  let at = 0;
  while (at < buffer.byteLength) {
    if (at + 4 > buffer.byteLength) throw new WireError('the history ends within a length');
    const length = view.getUint32(at, true);
    const end = at + 4 + length;
    if (end > buffer.byteLength) throw new WireError('the history ends within a frame');
    const frame = decode(buffer.slice(at + 4, end));
    if (frame.kind !== 'relief') throw new WireError(`a ${frame.kind} frame in the history of the relief`);
    columns.push(frame);
    at = end;
  }
  return columns;
}

function metrics(view: DataView, head: Head): MetricsFrame {
  const n = view.byteLength >= HEADER_BYTES + 8 ? view.getUint16(HEADER_BYTES, true) : 0;
  expect(view, 8 + n * 16, 'metrics');
  const columns = new Uint16Array(n);
  const reasons = new Uint8Array(n);
  const values = new Float64Array(n);
  for (let i = 0, p = HEADER_BYTES + 8; i < n; i++, p += 16) {
    columns[i] = view.getUint16(p, true);
    reasons[i] = view.getUint8(p + 2);
    values[i] = view.getFloat64(p + 8, true);
  }
  return { kind: 'metrics', ...head, columns, reasons, values };
}

function book(view: DataView, head: Head): BookFrame {
  const enough = view.byteLength >= HEADER_BYTES + 8;
  const bids = enough ? view.getUint16(HEADER_BYTES, true) : 0;
  const n = bids + (enough ? view.getUint16(HEADER_BYTES + 2, true) : 0);
  expect(view, 8 + n * 16, 'book');
  const prices = new Float64Array(n);
  const sizes = new Float64Array(n);
  for (let i = 0, p = HEADER_BYTES + 8; i < n; i++, p += 16) {
    prices[i] = whole(view, p);
    sizes[i] = whole(view, p + 8);
  }
  return { kind: 'book', ...head, bids, prices, sizes };
}

function trades(view: DataView, head: Head): TradesFrame {
  const n = view.byteLength >= HEADER_BYTES + 8 ? view.getUint16(HEADER_BYTES, true) : 0;
  expect(view, 8 + n * 32, 'trades');
  const ats = new Float64Array(n);
  const prices = new Float64Array(n);
  const sizes = new Float64Array(n);
  const buys = new Uint8Array(n);
  for (let i = 0, p = HEADER_BYTES + 8; i < n; i++, p += 32) {
    ats[i] = millis(view, p);
    prices[i] = whole(view, p + 8);
    sizes[i] = whole(view, p + 16);
    buys[i] = view.getUint8(p + 24);
  }
  return { kind: 'trades', ...head, ats, prices, sizes, buys };
}

function relief(view: DataView, head: Head): ReliefFrame {
  const enough = view.byteLength >= HEADER_BYTES + 40;
  const n = enough ? view.getUint32(HEADER_BYTES + 32, true) : 0;
  expect(view, 40 + n * 4, 'relief');
  const sizes = new Float32Array(n);
  for (let i = 0, p = HEADER_BYTES + 40; i < n; i++, p += 4) sizes[i] = view.getFloat32(p, true);
  return {
    kind: 'relief',
    ...head,
    row: whole(view, HEADER_BYTES),
    first: whole(view, HEADER_BYTES + 8),
    bestBid: wholeOrNone(view, HEADER_BYTES + 16),
    bestAsk: wholeOrNone(view, HEADER_BYTES + 24),
    split: view.getUint32(HEADER_BYTES + 36, true),
    sizes,
  };
}

function expect(view: DataView, body: number, kind: string): void {
  if (view.byteLength !== HEADER_BYTES + body) {
    throw new WireError(`${kind} frame of ${view.byteLength} bytes: ${HEADER_BYTES + body} were announced`);
  }
}

/** An i64 that is a whole number of units, below 2^53 by the engine's rules. */
function whole(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}

function wholeOrNone(view: DataView, at: number): number | null {
  return view.getBigInt64(at, true) === NONE ? null : whole(view, at);
}

/** Nanoseconds as milliseconds: exact to a quarter of a microsecond in this century. */
function millis(view: DataView, at: number): number {
  const nanos = view.getBigInt64(at, true);
  return Number(nanos / 1_000_000n) + Number(nanos % 1_000_000n) / 1e6;
}
