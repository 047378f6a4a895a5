// The heatmap's colours: even steps of lightness in OKLab, from the theme's ground to its opposite.

/** Colours in a map. */
export const SHADES = 256;

interface Stop {
  at: number;
  lightness: number;
  chroma: number;
  hue: number;
}

const DARK: Stop[] = [
  { at: 0, lightness: 0.165, chroma: 0.014, hue: 262 },
  { at: 0.3, lightness: 0.37, chroma: 0.09, hue: 268 },
  { at: 0.55, lightness: 0.57, chroma: 0.1, hue: 222 },
  { at: 0.8, lightness: 0.79, chroma: 0.12, hue: 165 },
  { at: 1, lightness: 0.97, chroma: 0.07, hue: 110 },
];
const LIGHT: Stop[] = [
  { at: 0, lightness: 0.985, chroma: 0.004, hue: 250 },
  { at: 0.25, lightness: 0.86, chroma: 0.06, hue: 170 },
  { at: 0.55, lightness: 0.62, chroma: 0.1, hue: 220 },
  { at: 0.8, lightness: 0.42, chroma: 0.11, hue: 265 },
  { at: 1, lightness: 0.22, chroma: 0.09, hue: 285 },
];

/** RGBA bytes of the map for a theme. */
export function palette(light: boolean): Uint8Array {
  const stops = light ? LIGHT : DARK;
  const bytes = new Uint8Array(SHADES * 4);
  for (let i = 0; i < SHADES; i += 1) {
    const [r, g, b] = shade(stops, i / (SHADES - 1));
    bytes.set([r, g, b, 255], i * 4);
  }
  return bytes;
}

/** The lightness a map has at each shade, for those who check that it is even. */
export function lightness(light: boolean, at: number): number {
  return between(light ? LIGHT : DARK, at).lightness;
}

function between(stops: Stop[], at: number): Stop {
  let i = 1;
  while (i < stops.length - 1 && at > stops[i]!.at) i += 1;
  const a = stops[i - 1]!;
  const b = stops[i]!;
  const t = Math.min(1, Math.max(0, (at - a.at) / (b.at - a.at)));
  const mix = (x: number, y: number): number => x + (y - x) * t;
  return { at, lightness: mix(a.lightness, b.lightness), chroma: mix(a.chroma, b.chroma), hue: mix(a.hue, b.hue) };
}

function shade(stops: Stop[], at: number): [number, number, number] {
  const { lightness: l, chroma, hue } = between(stops, at);
  return oklch(l, chroma, hue);
}

/** OKLCH (Ottosson 2020) to sRGB bytes; what sRGB cannot show is cut per channel. */
export function oklch(l: number, chroma: number, hue: number): [number, number, number] {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    byte(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
    byte(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
    byte(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short),
  ];
}

function byte(linear: number): number {
  const x = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
}
