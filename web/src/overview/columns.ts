// The columns of the overview: where each number comes from, how it is written and sorted.

import { store, type Market } from '../data/store';
import { ABSENT, fixed, short, signed, unitsText } from '../format';

export interface Column {
  id: string;
  head: string;
  /** Under the head; `quote` stands for each row's own quote currency. */
  unit: string;
  /** Metric in the catalogue that explains it. */
  metric: string | null;
  /** Smallest screens first: 1 is always there, 4 only where there is room. */
  priority: 1 | 2 | 3 | 4;
  /** As a number to sort by; null where it is absent. */
  value: (market: Market) => number | null;
  text: (value: number, market: Market) => string;
  /** A bar behind the number: from the middle (-1 to 1), or from the left over the largest of the column. */
  bar?: 'balance' | 'share';
  side?: 'bid' | 'ask';
  /** Lights up softly when it changes. */
  flash?: boolean;
}

function metric(id: string, head: string, unit: string, priority: Column['priority'], text: Column['text'], more: Partial<Column> = {}): Column {
  return { id, head, unit, metric: id, priority, value: (market) => store.value(market, store.column(id)), text, ...more };
}

const number = (decimals: number) => (value: number) => fixed(value, decimals);
const change = (decimals: number) => (value: number) => signed(value, decimals);

export const COLUMNS: Column[] = [
  metric('mid', 'Mid', 'quote', 1, (value, { info }) => midText(value, info.price_decimals), { flash: true }),
  metric('spread_bps', 'Spread', 'bps', 1, number(3)),
  metric('depth_bid_10bps_quote', 'Bids 10 bps', 'quote', 3, (value) => short(value), { side: 'bid' }),
  metric('depth_ask_10bps_quote', 'Asks 10 bps', 'quote', 3, (value) => short(value), { side: 'ask' }),
  metric('imbalance_10', 'Imbalance', '10 levels', 1, change(2), { bar: 'balance' }),
  metric('microprice_minus_mid_bps', 'Micro − mid', 'bps', 4, change(3)),
  metric('ofi_1s', 'OFI 1 s', 'size', 2, (value) => sign(value)),
  metric('ofi_10s', 'OFI 10 s', 'size', 3, (value) => sign(value)),
  metric('trade_imbalance_60s', 'Taker balance', '60 s', 4, change(2), { bar: 'balance' }),
  metric('depth_updates_per_s', 'Updates', '1/s', 3, number(1)),
  metric('trades_per_s', 'Trades', '1/s', 2, number(1)),
  metric('volatility_300s_annual_pct', 'Volatility', '% a year', 4, number(1)),
  {
    id: 'basis',
    head: 'Basis',
    unit: 'bps',
    metric: 'basis_index_bps',
    priority: 3,
    value: (market) => store.value(market, store.column('basis_index_bps')) ?? store.value(market, store.column('basis_spot_bps')),
    text: (value) => signed(value, 2),
  },
  metric('funding_rate_bps', 'Funding', 'bps', 4, change(3)),
  {
    id: 'latency',
    head: 'Latency',
    unit: 'ms',
    metric: null,
    priority: 2,
    value: (market) => market.status?.latency_ms ?? market.status?.latency_raw_ms ?? null,
    text: (value) => fixed(value, 1),
  },
];

/** The middle of two prices has half units: one decimal more, if it is needed. */
export function midText(mid: number, decimals: number): string {
  return unitsText(Math.round(mid * 10 ** (decimals + 1)), decimals + 1);
}

function sign(value: number): string {
  if (Math.abs(value) < 1) return signed(value, 3);
  return value > 0 ? `+${short(value)}` : short(value);
}

/** A cell's text and, where there is none, why. */
export function cell(column: Column, market: Market): { text: string; why: string | null } {
  const value = column.value(market);
  if (value !== null) return { text: column.text(value, market), why: null };
  if (column.id === 'latency') return { text: ABSENT, why: 'no message with a time of the exchange yet' };
  return { text: ABSENT, why: store.reason(market, store.column(column.metric ?? column.id)) };
}
