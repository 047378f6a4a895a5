// Which metric columns the charts and cards show. Windows and bands are the server's choice, so columns are found by pattern.

import type { Catalogue, Column } from '../data/types';
import type { ChartSpec, LineSpec } from './lines';

type Ink = LineSpec['ink'];

interface Wanted {
  /** The column's id, or the first that matches. */
  column: string | RegExp;
  label: string;
  ink: Ink;
  area?: boolean;
  mirrored?: boolean;
  dashed?: boolean;
  /** Not drawn until it is asked for. */
  off?: boolean;
}

export interface ChartPlan {
  id: string;
  title: string;
  help: string;
  lines: Wanted[];
  /** Places of the values; 'price': as the instrument's prices. */
  decimals?: number | 'price';
  range?: [number, number];
  centred?: boolean;
  zero?: boolean;
}

export const CHARTS: ChartPlan[] = [
  {
    id: 'price',
    title: 'Price',
    help: 'Mid, microprice (mid moved towards the thinner side) and volume-weighted average price.',
    decimals: 'price',
    lines: [
      { column: 'mid', label: 'mid', ink: 5 },
      { column: 'microprice', label: 'micro', ink: 2 },
      { column: /^vwap_(?!since)/, label: 'VWAP', ink: 4, dashed: true },
      { column: 'vwap_since_start', label: 'VWAP since start', ink: 3, dashed: true, off: true },
    ],
  },
  {
    id: 'spread',
    title: 'Spread',
    help: 'Best ask minus best bid, relative to mid.',
    zero: true,
    decimals: 3,
    lines: [{ column: 'spread_bps', label: 'bps', ink: 4, area: true }],
  },
  {
    id: 'imbalance',
    title: 'Imbalance',
    help: 'Balance of the sizes on the first levels of each side: 1 is all bid, −1 all ask.',
    range: [-1.2, 1.2],
    decimals: 3,
    lines: [
      { column: 'imbalance_5', label: '5', ink: 0 },
      { column: 'imbalance_10', label: '10', ink: 2 },
      { column: 'imbalance_20', label: '20', ink: 3 },
    ],
  },
  {
    id: 'ofi',
    title: 'Order flow imbalance',
    help: 'Size that came to the best bid or left the best ask, net, over a window.',
    centred: true,
    lines: [
      { column: 'ofi_10s', label: '10 s', ink: 3, area: true },
      { column: 'ofi_1s', label: '1 s', ink: 2 },
    ],
  },
  {
    id: 'cvd',
    title: 'CVD',
    help: 'Size bought minus sold by takers, since the start.',
    lines: [{ column: 'cvd_base', label: 'CVD', ink: 0, area: false }],
  },
  {
    id: 'volume',
    title: 'Volume per second',
    help: 'Size traded per second over a window: taker bought above, sold below.',
    zero: true,
    lines: [
      { column: /^volume_buy_.*_base_per_s$/, label: 'bought', ink: 'bid', area: true },
      { column: /^volume_sell_.*_base_per_s$/, label: 'sold', ink: 'ask', area: true, mirrored: true },
    ],
  },
];

export interface CardPlan {
  id: string;
  label: string;
  /** Columns whose values are shown side by side. */
  columns: (string | RegExp)[];
  /** Of each value, where there are several. */
  parts?: string[];
  decimals: number | 'price' | 'price+1' | 'short';
  signed?: boolean;
  unit?: string;
}

export const CARDS: CardPlan[] = [
  { id: 'mid', label: 'Mid', columns: ['mid'], decimals: 'price+1' },
  { id: 'spread', label: 'Spread', columns: ['spread_bps'], decimals: 3, unit: 'bps' },
  { id: 'micro', label: 'Micro − mid', columns: ['microprice_minus_mid_bps'], decimals: 3, signed: true, unit: 'bps' },
  {
    id: 'imbalance',
    label: 'Imbalance',
    columns: ['imbalance_5', 'imbalance_10', 'imbalance_20'],
    parts: ['5', '10', '20'],
    decimals: 2,
    signed: true,
  },
  { id: 'ofi', label: 'OFI', columns: ['ofi_1s', 'ofi_10s'], parts: ['1 s', '10 s'], decimals: 'short', signed: true },
  {
    id: 'depth',
    label: 'Depth 10 bps',
    columns: [/^depth_bid_10(bps)?_/, /^depth_ask_10(bps)?_/],
    parts: ['bid', 'ask'],
    decimals: 'short',
    unit: 'quote',
  },
  { id: 'basis', label: 'Basis', columns: ['basis_index_bps', 'basis_spot_bps'], parts: ['index', 'spot'], decimals: 2, signed: true, unit: 'bps' },
  { id: 'funding', label: 'Funding', columns: ['funding_rate_bps', 'funding_next_s'], parts: ['', 'in'], decimals: 3, signed: true, unit: 'bps' },
  {
    id: 'volume',
    label: 'Volume/s',
    columns: [/^volume_buy_.*_base_per_s$/, /^volume_sell_.*_base_per_s$/],
    parts: ['buy', 'sell'],
    decimals: 'short',
    unit: 'base',
  },
  { id: 'rate', label: 'Rate', columns: ['depth_updates_per_s', 'trades_per_s'], parts: ['book', 'trades'], decimals: 1, unit: '/s' },
];

/** The column that is meant. */
export function columnOf(catalogue: Catalogue | null, wanted: string | RegExp): Column | undefined {
  return catalogue?.columns.find((one) => (typeof wanted === 'string' ? one.id === wanted : wanted.test(one.id)));
}

/** All columns that charts need, by id, in a fixed order; patterns that match nothing stand for themselves. */
export function trackIds(catalogue: Catalogue | null): string[] {
  const ids = CHARTS.flatMap((plan) => plan.lines.map((line) => columnOf(catalogue, line.column)?.id ?? String(line.column)));
  return [...new Set(ids)];
}

/** A plan with its columns found in a track. */
export function specOf(plan: ChartPlan, catalogue: Catalogue | null, ids: string[], priceDecimals: number): ChartSpec {
  const lines = plan.lines.map((line) => ({
    index: ids.indexOf(columnOf(catalogue, line.column)?.id ?? String(line.column)),
    ink: line.ink,
    area: line.area,
    mirrored: line.mirrored,
    dashed: line.dashed,
  }));
  return {
    lines,
    range: plan.range,
    centred: plan.centred,
    zero: plan.zero,
    decimals: plan.decimals === 'price' ? priceDecimals : plan.decimals,
  };
}
