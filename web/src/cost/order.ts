// An order whose cost is asked for: as it stands in the address, as it is typed, as the API wants it.

/** What the amount counts. */
export const AMOUNTS = ['size', 'notional', 'contracts'] as const;
export type AmountKind = (typeof AMOUNTS)[number];

/** The inputs as they are typed; an empty text leaves it to the server. */
export interface Order {
  side: 'buy' | 'sell';
  type: 'market' | 'limit';
  kind: AmountKind;
  amount: string;
  limit: string;
  /** Percent a year; empty: as measured. */
  vol: string;
  /** Base coins a day; empty: as measured. */
  volume: string;
  /** Empty: as configured. */
  tier: string;
  horizon: string;
  risk: string;
}

export type Params = Record<string, string>;
/** What cannot be asked, by input. */
export type Wrong = Partial<Record<'amount' | 'limit' | 'vol' | 'volume' | 'horizon' | 'risk', string>>;

export const USUAL = { amount: '100000', horizon: '30m', risk: '0.000001' } as const;

/** The inputs that an address holds. */
export function read(params: Params): Order {
  const kind = AMOUNTS.find((name) => params[name] !== undefined);
  return {
    side: params['side'] === 'sell' ? 'sell' : 'buy',
    type: params['type'] === 'limit' ? 'limit' : 'market',
    kind: kind ?? 'notional',
    amount: kind ? (params[kind] ?? '') : USUAL.amount,
    limit: params['limit'] ?? '',
    vol: params['vol'] ?? '',
    volume: params['volume'] ?? '',
    tier: params['tier'] ?? '',
    horizon: params['horizon'] ?? USUAL.horizon,
    risk: params['risk'] ?? USUAL.risk,
  };
}

/** What one changed input makes of an address. */
export function write(params: Params, changes: Partial<Order>): Params {
  const order = { ...read(params), ...changes };
  const next: Params = {};
  for (const [name, value] of Object.entries(params)) if (!NAMES.has(name)) next[name] = value;
  next['side'] = order.side;
  next['type'] = order.type;
  next[order.kind] = order.amount;
  next['horizon'] = order.horizon;
  next['risk'] = order.risk;
  for (const name of ['limit', 'vol', 'volume', 'tier'] as const) if (order[name] !== '') next[name] = order[name];
  return next;
}

const NAMES = new Set<string>(['side', 'type', ...AMOUNTS, 'limit', 'vol', 'volume', 'tier', 'horizon', 'risk']);

/** `1,250.5`, `50k`, `1.5M`, `2e-6` as a plain number text; null where it is none. */
export function plain(text: string): string | null {
  const found = /^(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?([km])?$/i.exec(text.replace(/[,\s_']/g, ''));
  if (!found) return null;
  const [, digits = '', power = '', letter = ''] = found;
  if (!letter) return digits + power;
  return String(Number(digits + power) * (letter.toLowerCase() === 'k' ? 1e3 : 1e6));
}

/** `90s`, `30m`, `4h`, `1d` or plain seconds, in seconds; null where it is none. */
export function seconds(text: string): number | null {
  const found = /^(\d+\.?\d*|\.\d+)\s*(s|m|min|h|d)?$/i.exec(text.trim());
  if (!found) return null;
  const [, digits = '', unit = 's'] = found;
  return Number(digits) * ({ s: 1, m: 60, min: 60, h: 3600, d: 86_400 }[unit.toLowerCase()] ?? 1);
}

/** The query of `/api/v1/cost`, or what is wrong with which input. */
export function query(order: Order): { query: Params; wrong: null } | { query: null; wrong: Wrong } {
  const wrong: Wrong = {};
  const out: Params = { side: order.side };
  const number = (input: keyof Wrong & keyof Order, name: string, low: number, high: number, words: string): void => {
    const text = plain(order[input]);
    if (text !== null && Number(text) >= low && Number(text) <= high) out[name] = text;
    else wrong[input] = words;
  };
  number('amount', order.kind, 1e-8, 1e12, 'a number above zero: 1.5, 250,000, 50k');
  if (order.type === 'limit') number('limit', 'limit', 1e-8, 1e12, 'a limit order wants its price');
  if (order.vol !== '') number('vol', 'volatility_annual_pct', 0, 1e4, 'percent a year, 0 to 10,000');
  if (order.volume !== '') number('volume', 'daily_volume', 1e-8, 1e15, 'base coins a day, above zero');
  number('risk', 'risk_aversion', 0, 1e6, 'a number from 0 to 1,000,000');
  const horizon = seconds(order.horizon);
  if (horizon !== null && horizon >= 1 && horizon <= 604_800) out['horizon_seconds'] = String(horizon);
  else wrong.horizon = '90s, 30m, 4h, up to 7d';
  if (order.tier !== '') out['fee_tier'] = order.tier;
  return Object.keys(wrong).length > 0 ? { query: null, wrong } : { query: out, wrong: null };
}

/** The next amount up or down: 1, 2, 5 times powers of ten. */
export function step(text: string, up: boolean): string | null {
  const now = Number(plain(text) ?? NaN);
  if (!(now > 0)) return null;
  const power = 10 ** Math.floor(Math.log10(now) + 1e-9);
  const marks = [0.5, 1, 2, 5, 10, 20].map((factor) => factor * power);
  const next = up ? marks.find((mark) => mark > now * (1 + 1e-9)) : marks.findLast((mark) => mark < now * (1 - 1e-9));
  return next === undefined ? null : String(Number(next.toPrecision(6)));
}
