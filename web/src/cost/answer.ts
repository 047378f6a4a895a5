// What the API says of an order's cost, and what the page reads out of it.

export interface Fill {
  price: number;
  qty: number | null;
  cumulative_qty: number | null;
  cumulative_cost: number | null;
}

/** GET /api/v1/cost. */
export interface CostAnswer {
  symbol: string;
  side: 'buy' | 'sell';
  limit: number | null;
  horizon_seconds: number;
  slices: number;
  risk_aversion: number;
  volatility_annual_pct: number | null;
  volatility_is_measured: boolean;
  daily_volume_base: number | null;
  daily_volume_is_measured: boolean;
  quantity: number | null;
  quantity_filled: number | null;
  notional_filled: number | null;
  quantity_rests: number | null;
  fully_filled: boolean;
  levels_consumed: number;
  fills?: Fill[];
  vwap: number | null;
  best_price: number | null;
  mid: number | null;
  microprice: number | null;
  slippage: number | null;
  slippage_bps: number | null;
  slippage_mid: number | null;
  slippage_mid_bps: number | null;
  slippage_microprice: number | null;
  slippage_microprice_bps: number | null;
  taker_fee_bps: number | null;
  maker_fee_bps: number | null;
  fee: number | null;
  net_cost: number | null;
  net_cost_bps: number | null;
  impact_root_peak_bps: number | null;
  impact_root_bps: number | null;
  impact_permanent_bps: number | null;
  impact_almgren_2005_bps: number | null;
  schedule_cost_bps: number | null;
  schedule_deviation_bps: number | null;
  schedule: Schedule | null;
  latency_ms: number | null;
  reasons: Record<string, string>;
  validity: string;
  sequence: number;
  at_ms: number | null;
  age_ms: number | null;
}

export interface Schedule {
  trajectory: number[];
  trades: number[];
  half_life_seconds: number | null;
  frontier: { risk_aversion: number; cost_bps: number; deviation_bps: number }[];
}

/** GET /api/v1/instruments/{id}/fees. */
export interface Fees {
  symbol: string;
  product: string | null;
  tier: string | null;
  tiers: { name: string; maker_bps: number; taker_bps: number }[];
}

/** GET /api/v1/groups/{canonical}/route. */
export interface Split {
  quantity: number;
  quantity_unfilled: number;
  parts: { id: string; quantity: number; notional: number; fee: number; alone: number | null }[];
  total: number;
  saved: number | null;
  saved_bps: number | null;
  left_out: { id: string; reason: string }[];
  reasons: Record<string, string>;
}

/** Fields that are numbers or absent. */
export type NumberField = { [K in keyof CostAnswer]-?: CostAnswer[K] extends number | null ? K : never }[keyof CostAnswer];

/** What an order takes out of a book, as the ladder marks it; prices in units. */
export interface Walk {
  /** Takes bids: a sale. */
  bids: boolean;
  /** The worst price that is taken; null where the order only rests. */
  worst: number | null;
  vwap: number | null;
  limit: number | null;
  levels: number;
  /** Of the levels taken the listed ones end before the order does. */
  cut: boolean;
}

/** The walk of an answer; null where the order neither takes nor rests. */
export function walkOf(answer: CostAnswer, priceDecimals: number): Walk | null {
  const last = answer.fills?.at(-1);
  if (!last && answer.limit === null) return null;
  const units = 10 ** priceDecimals;
  return {
    bids: answer.side === 'sell',
    worst: last ? Math.round(last.price * units) : null,
    vwap: answer.vwap === null ? null : answer.vwap * units,
    limit: answer.limit === null ? null : answer.limit * units,
    levels: answer.levels_consumed,
    cut: (answer.fills?.length ?? 0) < answer.levels_consumed,
  };
}

/** Whether a row of the ladder, which may be a group of `step` units, is reached by a walk. */
export function reached(walk: Walk, price: number, step: number): boolean {
  if (walk.worst === null) return false;
  if (walk.bids) return step > 0 ? price + step > walk.worst : price >= walk.worst;
  return step > 0 ? price - step < walk.worst : price <= walk.worst;
}

/** What a ladder can show of a side. */
export interface Room {
  /** Units per group, finest first; 0: single levels. */
  steps: number[];
  /** Groups from here on reach as far as any order; finer ones no further than `span`. */
  deep: number;
  best: number;
  span: number;
  rows: number;
  /** Single levels down to the limit. */
  limitLevels: number;
}

/** The finest price groups (index into `steps`) in which a walk fits into the rows, its limit too if there is a way; it coarsens at once and refines late. */
export function fitting(walk: Walk, { steps, deep, best, span, rows, limitLevels }: Room, before: number): number {
  const away = (price: number | null): number => (price === null ? 0 : Math.abs(price - best));
  const coarsest = steps.at(-1) ?? 0;
  const withLimit = coarsest > 0 ? away(walk.limit) / coarsest + 1 <= rows : limitLevels <= rows;
  const length = Math.max(away(walk.worst), withLimit ? away(walk.limit) : 0);
  const taken = (at: number): number => {
    const step = steps[at] ?? 0;
    if ((step === 0 || step < deep) && length > span) return Infinity;
    return step > 0 ? length / step + 1 : Math.max(walk.levels, withLimit ? limitLevels : 0);
  };
  const first = steps.findIndex((_, at) => taken(at) <= rows);
  const wanted = first < 0 ? Math.max(0, steps.length - 1) : first;
  return wanted < before && before < steps.length && taken(wanted) > rows * 0.7 ? before : wanted;
}

/** How many levels, best first, stand before a limit; bids take it downwards. */
export function levelsTo(limit: number | null, prices: Float64Array, length: number, bids: boolean): number {
  if (limit === null) return 0;
  let count = 0;
  while (count < length && (bids ? prices[count]! >= limit : prices[count]! <= limit)) count += 1;
  return count;
}

/** Price per coin with the fee in: what is paid, or what is left of what is received. */
export function allIn(answer: CostAnswer): number | null {
  const { notional_filled: money, fee, quantity_filled: coins } = answer;
  if (money === null || fee === null || coins === null || !(coins > 0)) return null;
  return (answer.side === 'buy' ? money + fee : money - fee) / coins;
}

/** Of the venues that fill all of it, the one with the best price, fees in; null while fewer than two do. */
export function cheapest(answers: (CostAnswer | null)[]): CostAnswer | null {
  const able = answers.filter((one) => one !== null && one.fully_filled && allIn(one) !== null) as CostAnswer[];
  if (able.length < 2) return null;
  const better = (a: CostAnswer, b: CostAnswer): boolean => {
    const [mine, other] = [allIn(a) ?? NaN, allIn(b) ?? NaN];
    return a.side === 'buy' ? mine < other : mine > other;
  };
  return able.reduce((best, one) => (better(one, best) ? one : best));
}

/** How much worse a price with fees in is than the best of the group, bps. */
export function worseBps(answer: CostAnswer, best: CostAnswer | null): number | null {
  const [mine, other] = [allIn(answer), best && allIn(best)];
  if (mine === null || other === null || !answer.fully_filled) return null;
  return (answer.side === 'buy' ? mine / other - 1 : 1 - mine / other) * 1e4;
}
