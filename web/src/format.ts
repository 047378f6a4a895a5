// Numbers, times and absences as people read them.

/** What stands where there is no number. */
export const ABSENT = '–';
const THIN = '\u2009'; // groups of three digits in a fraction stay readable

/** Widths do not change while digits do: a real minus sign, thousands separated, fixed decimals. */
export function fixed(value: number | null | undefined, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return ABSENT;
  return formatter(decimals).format(value).replace('-', '−');
}

/** As `fixed`, with a plus sign where it is above zero. */
export function signed(value: number | null | undefined, decimals: number): string {
  const text = fixed(value, decimals);
  return value !== null && value !== undefined && value > 0 && /[1-9]/.test(text) ? `+${text}` : zeroed(text);
}

/** About `digits` significant digits with a letter for thousands, millions, ...: `12.3k`, `4.56M`. */
export function short(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return ABSENT;
  const size = Math.abs(value);
  const step = STEPS.find(([from]) => size >= from * (1 - 0.5 / 10 ** digits));
  if (!step) return size === 0 ? '0' : fixed(value, size >= 1e-4 ? Math.min(8, digits - 1 - Math.floor(Math.log10(size))) : 6);
  const [scale, letter] = step;
  const scaled = value / scale;
  const whole = Math.floor(Math.log10(Math.max(Math.abs(scaled), 1))) + 1;
  return fixed(scaled, Math.max(0, digits - whole)) + letter;
}

/** Bytes: `1.5 MB` (10^6). */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return ABSENT;
  const steps = [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const;
  const [scale, unit] = steps.find(([from]) => Math.abs(value) >= from) ?? [1, 'B'];
  return `${fixed(value / scale, scale === 1 ? 0 : 1)} ${unit}`;
}

/** A length of time: `350 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return ABSENT;
  const size = Math.abs(ms);
  if (size < 1) return `${fixed(ms * 1000, 0)} µs`;
  if (size < 1000) return `${fixed(ms, size < 10 ? 1 : 0)} ms`;
  if (size < 60_000) return `${fixed(ms / 1000, 1)} s`;
  const seconds = Math.floor(size / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** Time of day: `14:07:03` or with thousandths. */
export function clock(ms: number | null | undefined, zone: 'utc' | 'local', thousandths = false): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return ABSENT;
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const parts = zone === 'utc' ? [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()] : [at.getHours(), at.getMinutes(), at.getSeconds()];
  const text = parts.map(two).join(':');
  const left = zone === 'utc' ? at.getUTCMilliseconds() : at.getMilliseconds();
  return thousandths ? `${text}.${String(left).padStart(3, '0')}` : text;
}

/** Date and time of day: `2026-11-20 14:07:03`. */
export function instant(ms: number | null | undefined, zone: 'utc' | 'local', thousandths = false): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return ABSENT;
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const date =
    zone === 'utc'
      ? `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`
      : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${clock(ms, zone, thousandths)}`;
}

/** Units in words that a head can carry: `% a year` stays, `quote` becomes the currency. */
export function unit(name: string, quote: string, base: string): string {
  return name.replace(/\bquote\b/, quote || 'quote').replace(/\bbase\b/, base || 'base').replace(/\bsize\b/, 'size');
}

/** Decimals that a metric of a unit is shown with; prices take the instrument's own and one more for means. */
export function decimalsOf(id: string, unitName: string, priceDecimals: number): number {
  if (unitName === 'quote') return id.startsWith('depth') ? 0 : id === 'mid' || id === 'spread' ? priceDecimals + 1 : priceDecimals + 2;
  if (unitName === 'bps') return 3;
  if (unitName === 'ratio') return id.startsWith('slope') ? 0 : id.startsWith('realised') ? 8 : 3;
  if (unitName === '1/s') return 1;
  if (unitName === 's') return 0;
  if (unitName.startsWith('%')) return 1;
  return 3;
}

/** Groups the digits of an exact decimal text without turning it into a float: `61602.01` to `61,602.01`. */
export function decimalText(text: string): string {
  const [whole = '', fraction] = text.replace('-', '−').split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** An exact number of units with its decimals: 6160201 at 2 to `61,602.01`. */
export function unitsText(units: number, decimals: number): string {
  const negative = units < 0;
  const digits = String(Math.abs(units)).padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return decimalText(negative ? `-${text}` : text);
}

/** Thin space between a number and its unit. */
export function withUnit(text: string, unitName: string): string {
  return text === ABSENT || unitName === '' ? text : `${text}${THIN}${unitName}`;
}

const STEPS: [number, string][] = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'k'], [1, '']];
const formatters: Intl.NumberFormat[] = [];

function formatter(decimals: number): Intl.NumberFormat {
  const at = Math.max(0, Math.min(18, decimals));
  return (formatters[at] ??= new Intl.NumberFormat('en-US', { minimumFractionDigits: at, maximumFractionDigits: at }));
}

/** `−0.00` is zero. */
function zeroed(text: string): string {
  return text.startsWith('−') && !/[1-9]/.test(text) ? text.slice(1) : text;
}
