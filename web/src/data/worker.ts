// Holds the connection: opens it, opens it again, decodes what comes, and hands it over at most once per animation frame.

import type { LinkState, Order, Report, Text, Topic } from './link';
import { decode, transferables, type Frame } from './wire';

const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 8000];
/** Nothing for so long, although the clock ticks once a second: the connection is dead without having said so. */
const SILENCE_MS = 8000;
/** Bytes that may wait for a page that does not take them; beyond, all is dropped and fetched anew as snapshots. */
const WAITING_BYTES_MAX = 16 << 20;

const post = (report: Report, transfer: Transferable[] = []): void => self.postMessage(report, { transfer });
const now = (): number => performance.timeOrigin + performance.now();

let address: { url: string; protocols: string[] } | null = null;
let socket: WebSocket | null = null;
let attempts = 0;
let retryTimer = 0;
let heardAt = 0;
const topics = new Map<number, Topic>();
/** Last sequence by topic, to see a hole. */
const sequences = new Map<string, number>();

let frames: Frame[] = [];
let texts: Text[] = [];
let bytes = 0;
let receivedAt = 0;
let ready = true;

self.onmessage = (event: MessageEvent<Order>) => {
  const order = event.data;
  switch (order.op) {
    case 'open':
      address = { url: order.url, protocols: order.protocols };
      attempts = 0;
      hangUp();
      connect();
      break;
    case 'close':
      address = null;
      hangUp();
      report('closed', null, null);
      break;
    case 'subscribe':
      topics.set(order.id, order.topic);
      send(subscription(order.id, order.topic));
      break;
    case 'unsubscribe':
      if (topics.delete(order.id)) send({ op: 'unsubscribe', id: order.id });
      break;
    case 'ready':
      ready = true;
      flush();
      break;
    case 'retry':
      if (address && !socket) {
        attempts = 0;
        connect();
      }
      break;
  }
};

self.setInterval(() => {
  if (socket?.readyState === WebSocket.OPEN && now() - heardAt > SILENCE_MS) drop(`nothing received for ${SILENCE_MS / 1000} s`);
}, 1000);

function connect(): void {
  clearTimeout(retryTimer);
  if (!address) return;
  report('connecting', null, null);
  let next: WebSocket;
  try {
    next = new WebSocket(address.url, address.protocols);
  } catch (error) {
    wait(String(error));
    return;
  }
  socket = next;
  next.binaryType = 'arraybuffer';
  next.onopen = () => {
    attempts = 0;
    heardAt = now();
    sequences.clear();
    report('open', null, null);
    for (const [id, topic] of topics) send(subscription(id, topic));
  };
  next.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
    if (socket === next) take(event.data);
  };
  next.onclose = (event) => {
    if (socket !== next) return;
    socket = null;
    wait(event.reason || (event.wasClean ? 'the server closed the connection' : 'the connection was lost'));
  };
}

/** Ends the connection without the events that follow being heard. */
function hangUp(): void {
  clearTimeout(retryTimer);
  const old = socket;
  socket = null;
  old?.close();
  sequences.clear();
  forget();
}

function drop(reason: string): void {
  hangUp();
  wait(reason);
}

function wait(reason: string): void {
  if (!address) return;
  const base = BACKOFF_MS[Math.min(attempts, BACKOFF_MS.length - 1)] ?? 8000;
  const pause = base * (0.75 + Math.random() / 2); // many pages do not come back in the same instant
  attempts += 1;
  report('waiting', now() + pause, reason);
  retryTimer = self.setTimeout(connect, pause);
}

function report(state: LinkState['state'], retryAt: number | null, reason: string | null): void {
  post({ type: 'link', link: { state, retryAt, attempts, reason } });
}

function send(message: unknown): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function subscription(id: number, topic: Topic): Record<string, unknown> {
  const message: Record<string, unknown> = { op: 'subscribe', id, kind: topic.kind, rate_hz: topic.rate };
  if (topic.instrument !== null) message['instruments'] = topic.instrument === '*' ? '*' : [topic.instrument];
  if (topic.depth !== undefined) message['depth'] = topic.depth;
  return message;
}

function take(data: ArrayBuffer | string): void {
  heardAt = now();
  if (bytes === 0) receivedAt = heardAt;
  try {
    if (typeof data === 'string') {
      bytes += data.length;
      texts.push(JSON.parse(data) as Text);
    } else {
      bytes += data.byteLength;
      const frame = decode(data);
      if (follows(frame)) frames.push(frame);
    }
  } catch (error) {
    drop(`a message could not be read: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  if (bytes > WAITING_BYTES_MAX) {
    forget();
    again();
  } else {
    flush();
  }
}

/** Whether nothing is missing before the frame; if something is, its topics are fetched anew. */
function follows(frame: Frame): boolean {
  const key = `${frame.kind} ${frame.instrument}`;
  const last = sequences.get(key);
  if (!frame.snapshot && (last === undefined || frame.sequence !== last + 1)) {
    if (last !== undefined) {
      sequences.delete(key);
      again(frame.kind);
    }
    return false;
  }
  sequences.set(key, frame.sequence);
  return true;
}

/** Fetches topics anew, of one kind or all: their next message is a snapshot. */
function again(kind?: string): void {
  for (const [id, topic] of topics) {
    if (kind !== undefined && topic.kind !== kind) continue;
    send({ op: 'unsubscribe', id });
    send(subscription(id, topic));
  }
}

function forget(): void {
  frames = [];
  texts = [];
  bytes = 0;
}

function flush(): void {
  if (!ready || (frames.length === 0 && texts.length === 0)) return;
  ready = false;
  post({ type: 'batch', frames, texts, bytes, receivedAt }, frames.flatMap(transferables));
  forget();
}
