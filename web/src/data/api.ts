// The REST side of the API: answers typed, errors as the server words them.

/** Which engine is read: the program's own, or the recording that was opened beside it. */
export type Source = 'main' | 'replay';

/** An answer that takes longer will not come. */
const PATIENCE_MS = 15_000;

let source: Source = 'main';
let token: string | null = readToken();

export function setSource(next: Source): void {
  source = next;
}

/** Kept for this browser tab only. */
export function setToken(next: string): void {
  token = next;
  sessionStorage.setItem('token', next);
}

export function currentToken(): string | null {
  return token;
}

function readToken(): string | null {
  return typeof sessionStorage === 'undefined' ? null : sessionStorage.getItem('token');
}

/** What went wrong, in the server's words (RFC 9457), and what to do about it. */
export class Problem extends Error {
  readonly status: number;
  readonly detail: string;
  readonly remedy: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    const text = (key: string): string => (typeof body[key] === 'string' ? body[key] : '');
    super(text('title') || `status ${status}`);
    this.status = status;
    this.detail = text('detail');
    this.remedy = text('remedy');
    this.body = body;
  }

  /** One line for people. */
  get words(): string {
    return [this.detail || this.message, this.remedy].filter(Boolean).join('; ');
  }
}

type Query = Record<string, string | number | undefined>;

/** GET under /api/v1, as JSON. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, query, { signal: signal ?? null })).json()) as T;
}

/** GET under /api/v1, as bytes. */
export async function getBytes(path: string, query: Query = {}, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await request(path, query, { signal: signal ?? null })).arrayBuffer();
}

/** POST of a JSON body under /api/v1. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  return (await (await request(path, {}, init)).json()) as T;
}

/** Address of the stream for the current source. */
export function streamUrl(): string {
  const url = new URL(withQuery('stream', { format: 'binary' }), location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

function withQuery(path: string, query: Query): string {
  const url = new URL(`api/v1/${path}`, new URL('.', location.href));
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  if (source === 'replay' && !path.startsWith('replay') && path !== 'recordings') url.searchParams.set('source', 'replay');
  return url.href;
}

async function request(path: string, query: Query, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  let answer: Response;
  try {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const signal = init.signal ? AbortSignal.any([init.signal, late]) : late;
    answer = await fetch(withQuery(path, query), { ...init, headers, signal, cache: 'no-store' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, {
      title: 'No answer',
      detail: `fathometer at ${location.host} does not answer`,
      remedy: 'is it still running? The page keeps trying',
    });
  }
  if (!answer.ok) {
    const body: unknown = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {});
  }
  return answer;
}
