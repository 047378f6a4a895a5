// The theme's colours as the canvases of this view need them: derived once per change of theme.

import { look, type Palette } from '../theme.svelte';
import type { Inks, Rgb } from './painter';
import { palette } from './palette';

export interface Theme extends Palette {
  inks: Inks;
  /** RGBA bytes of the heatmap's colours. */
  map: Uint8Array;
  /** Font of canvas texts: normal, small and strong. */
  normal: string;
  small: string;
  strong: string;
}

let cached: Theme | null = null;
let cachedFrom: Palette | null = null;

/** The colours now. */
export function theme(): Theme {
  const now = look.palette;
  if (cached && cachedFrom === now) return cached;
  const map = palette(!now.dark);
  const inks: Inks = {
    bid: rgb(now.bid),
    ask: rgb(now.ask),
    ground: rgb(now.panel),
    hatch: rgb(now.lineStrong),
    rim: now.dark ? [0.02, 0.03, 0.05] : [1, 1, 1],
  };
  const px = Math.max(10, Math.round(now.rem * 0.82));
  cachedFrom = now;
  cached = {
    ...now,
    inks,
    map,
    normal: `${px}px ${now.font}`,
    small: `${Math.max(9, px - 1)}px ${now.font}`,
    strong: `600 ${px}px ${now.font}`,
  };
  return cached;
}

/** `#rgb`, `#rrggbb` or `#rrggbbaa` as fractions, without the opacity. */
export function rgb(colour: string): Rgb {
  const hex = colour.replace('#', '');
  const wide = hex.length < 6 ? [...hex].map((c) => c + c).join('') : hex;
  const part = (at: number): number => (parseInt(wide.slice(at, at + 2), 16) || 0) / 255;
  return [part(0), part(2), part(4)];
}

/** The same colour with an opacity. */
export function faded(colour: string, alpha: number): string {
  const [r, g, b] = rgb(colour);
  return `rgb(${Math.round(r * 255)} ${Math.round(g * 255)} ${Math.round(b * 255)} / ${alpha})`;
}
