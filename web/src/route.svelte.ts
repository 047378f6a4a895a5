// The address bar: view, instrument, instant and panel settings stand in the URL's hash, so that any screen can be linked to.

/** The views, in the order of the rail and of the keys 1 to 7. */
export const VIEWS = ['overview', 'instrument', 'latency', 'system', 'replay', 'surveillance', 'cost'] as const;
export type View = (typeof VIEWS)[number];

/** Where the page stands. */
export interface Place {
  view: View;
  /** `venue:symbol`; null where none was chosen. */
  instrument: string | null;
  /** Everything else: `t` (unix ms looked at), `source`, settings of panels. */
  params: Record<string, string>;
}

/** `#/instrument/binance:BTCUSDT?t=1763680000000` as a place; anything unknown is the overview. */
export function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [first = '', ...rest] = path.split('/');
  const view = VIEWS.find((name) => name === first) ?? 'overview';
  let instrument: string | null;
  try {
    instrument = decodeURIComponent(rest.join('/')) || null;
  } catch {
    instrument = null; // a broken escape names nothing
  }
  return { view, instrument, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** The hash of a place. */
export function print(place: Place): string {
  const name = place.instrument === null ? '' : `/${encodeURIComponent(place.instrument).replaceAll('%3A', ':')}`;
  const params = new URLSearchParams(Object.entries(place.params).sort(([a], [b]) => (a < b ? -1 : 1)));
  const query = params.size > 0 ? `?${params}` : '';
  return `#/${place.view}${name}${query}`;
}

/** Settings of the cost view, and whose prices stand in them. */
interface Order {
  instrument: string | null;
  params: Record<string, string>;
}

class Route implements Place {
  view = $state<View>('overview');
  instrument = $state<string | null>(null);
  params = $state<Record<string, string>>({});
  /** The order of the cost view, which comes back with it. */
  order = $state<Order>({ instrument: null, params: {} });

  constructor() {
    if (typeof location === 'undefined') return;
    this.read();
    addEventListener('hashchange', () => this.read());
  }

  /** Goes to a view; panel settings of the old one stay behind, the source goes along. */
  go(view: View, instrument: string | null = this.instrument, params: Record<string, string> = this.kept(view, instrument)): void {
    const source = this.params['source'];
    const kept: Record<string, string> = source === undefined ? {} : { source };
    this.write({ view, instrument, params: { ...kept, ...params } }, true);
  }

  /** Sets or (null) takes away one setting; the back button does not step through settings. */
  set(name: string, value: string | null): void {
    const params = { ...this.params };
    if (value === null) delete params[name];
    else params[name] = value;
    this.write({ view: this.view, instrument: this.instrument, params }, false);
  }

  /** Sets all settings of the view. */
  setAll(params: Record<string, string>): void {
    this.write({ view: this.view, instrument: this.instrument, params }, false);
  }

  /** What a view comes back with: the cost view its order; a price of another instrument stays behind. */
  kept(view: View, instrument: string | null = this.instrument): Record<string, string> {
    if (view !== 'cost') return {};
    const { limit, type, ...rest } = this.order.params;
    const same = this.order.instrument === instrument;
    return { ...rest, ...(same && type !== undefined && { type }), ...(same && limit !== undefined && { limit }) };
  }

  private read(): void {
    const place = parse(location.hash);
    this.view = place.view;
    this.instrument = place.instrument ?? this.instrument;
    this.params = place.params;
    this.keep();
  }

  private keep(): void {
    if (this.view !== 'cost') return;
    const { source: _, ...params } = this.params;
    this.order = { instrument: this.instrument, params };
  }

  private write(place: Place, step: boolean): void {
    const hash = print(place);
    if (hash === location.hash) return;
    if (step) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
    this.view = place.view;
    this.instrument = place.instrument;
    this.params = place.params;
    this.keep();
  }
}

export const route = new Route();
