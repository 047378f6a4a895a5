// Theme and side colours, kept in this browser; canvases take their colours from here.

type Theme = 'dark' | 'light';
type Sides = 'blue-orange' | 'green-red';

/** The colours a canvas needs, read once per change of theme. */
export interface Palette {
  bg: string;
  panel: string;
  raised: string;
  line: string;
  lineStrong: string;
  text: string;
  muted: string;
  faint: string;
  accent: string;
  bid: string;
  bidSoft: string;
  ask: string;
  askSoft: string;
  warning: string;
  critical: string;
  replay: string;
  series: string[];
  dark: boolean;
  font: string;
  /** Pixels per rem. */
  rem: number;
}

class Look {
  theme = $state<Theme>('dark');
  sides = $state<Sides>('blue-orange');
  /** Goes up with every change of the palette. */
  version = $state(0);
  private cached: Palette | null = null;

  constructor() {
    if (typeof document === 'undefined') return;
    const wanted = new URLSearchParams(location.search);
    const theme = wanted.get('theme') ?? kept('theme') ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark');
    this.theme = theme === 'light' ? 'light' : 'dark';
    this.sides = (wanted.get('sides') ?? kept('sides')) === 'green-red' ? 'green-red' : 'blue-orange';
    this.apply();
    addEventListener('resize', () => (this.cached = null));
  }

  /** Dark to light and back. */
  toggleTheme(): void {
    this.theme = this.theme === 'dark' ? 'light' : 'dark';
    keep('theme', this.theme);
    this.apply();
  }

  /** Blue and orange to green and red and back. */
  toggleSides(): void {
    this.sides = this.sides === 'blue-orange' ? 'green-red' : 'blue-orange';
    keep('sides', this.sides);
    this.apply();
  }

  /** The colours now. Cheap: read from the style sheet only after a change. */
  get palette(): Palette {
    return (this.cached ??= read(this.theme));
  }

  private apply(): void {
    document.documentElement.dataset['theme'] = this.theme;
    document.documentElement.dataset['sides'] = this.sides;
    this.cached = null;
    this.version += 1;
  }
}

export const look = new Look();

function read(theme: Theme): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    bg: colour('bg'),
    panel: colour('panel'),
    raised: colour('raised'),
    line: colour('line'),
    lineStrong: colour('line-strong'),
    text: colour('text'),
    muted: colour('muted'),
    faint: colour('faint'),
    accent: colour('accent'),
    bid: colour('bid'),
    bidSoft: colour('bid-soft'),
    ask: colour('ask'),
    askSoft: colour('ask-soft'),
    warning: colour('warning'),
    critical: colour('critical'),
    replay: colour('replay'),
    series: [1, 2, 3, 4, 5, 6].map((n) => colour(`series-${n}`)),
    dark: theme === 'dark',
    font: colour('sans'),
    rem: parseFloat(style.fontSize),
  };
}

function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // a browser that keeps nothing
  }
}
