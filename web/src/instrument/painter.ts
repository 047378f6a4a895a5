// What the heatmap's two drawers (WebGL2, and a plain canvas where there is none) have in common.

import type { Marks } from './marks';
import type { Reliefs } from './relief';
import type { View } from './view';

/** Colours as fractions of one. */
export type Rgb = readonly [number, number, number];

export interface Inks {
  bid: Rgb;
  ask: Rgb;
  /** Ground of what is not known, and the hatch over what cannot be vouched for. */
  ground: Rgb;
  hatch: Rgb;
  /** Thin dark or light rim that keeps lines and marks apart from the heat. */
  rim: Rgb;
}

export interface Look {
  /** Sizes drawn darkest and brightest. */
  floor: number;
  clip: number;
  /** Exponent between them. */
  gamma: number;
  /** Whether trades and best prices are drawn. */
  marks: boolean;
  lines: boolean;
  /** Size that gets the full radius, and that radius in device pixels. */
  markSize: number;
  markRadius: number;
  /** Device pixels per pixel of the page. */
  ratio: number;
}

export interface Painter {
  readonly kind: 'webgl2' | 'canvas';
  /** A column of either relief changed. */
  column(level: 'fine' | 'coarse', slot: number): void;
  /** Everything changed. */
  reload(): void;
  theme(palette: Uint8Array, inks: Inks): void;
  /** Draws the view into the canvas, whose size is already right. */
  draw(view: View, look: Look): void;
  destroy(): void;
}

export interface Drawn {
  reliefs: Reliefs;
  /** Trades joined in buckets of growing length: which is drawn depends on the span, see `cloudFor`. */
  marks: readonly Marks[];
}

/** Columns of the fine relief per pixel from which on the coarse one is drawn. */
export const COARSE_FROM = 2;
/** Least width of a bucket of trades on the screen, pixels of the page. */
const MARK_PIXELS = 2.5;
/** Most columns averaged, and most rows compared, within one pixel. */
export const COLUMNS_PER_PIXEL = 8;
export const ROWS_PER_PIXEL = 4;
/** Marks in a row of their texture; divides every cloud's capacity. */
export const MARKS_WIDE = 64;

/** Which of the clouds of marks suits a span: the finest whose buckets are not narrower than marks can be told apart. */
export function cloudFor(clouds: readonly Marks[], spanMs: number, width: number): number {
  const least = (spanMs / Math.max(1, width)) * MARK_PIXELS;
  const found = clouds.findIndex((marks) => marks.bucketMs >= least);
  return found < 0 ? clouds.length - 1 : found;
}

/** Shade of the median size: dark, so that what stands out is what is bright. */
const MEDIAN_SHADE = 0.3;

/** The exponent that gives the median its shade, in steps of a tenth, so that colours do not flutter. */
export function gammaFor(median: number, clip: number): number {
  const share = median / clip;
  if (!(share > 0 && share < 1)) return 0.6;
  const exact = Math.log(MEDIAN_SHADE) / Math.log(share);
  return Math.min(3, Math.max(0.3, Math.round(exact * 10) / 10));
}
