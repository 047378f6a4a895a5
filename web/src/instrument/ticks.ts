// Round numbers for axes, and the texts of times on them.

const TIME_STEPS_MS = [
  100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3,
];

/** The smallest round time step that leaves at least `room` pixels between marks. */
export function timeStep(spanMs: number, width: number, room: number): number {
  const least = (spanMs * room) / Math.max(1, width);
  for (const step of TIME_STEPS_MS) if (step >= least) return step;
  return 14_400_000;
}

/** The smallest 1, 2 or 5 times a power of ten (never below `least`) with `room` pixels between marks. */
export function priceStep(span: number, height: number, room: number, least: number): number {
  const wanted = Math.max(least, (span * room) / Math.max(1, height));
  const power = 10 ** Math.floor(Math.log10(wanted) + 1e-9);
  for (const factor of [1, 2, 5, 10]) if (factor * power >= wanted * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/** Places a step of this size needs. */
export function placesOf(step: number): number {
  let places = 0;
  let rest = step;
  while (places < 12 && Math.abs(rest - Math.round(rest)) > 1e-6 * Math.max(1, rest)) {
    rest *= 10;
    places += 1;
  }
  return places;
}

const two = (n: number): string => (n < 10 ? '0' : '') + n;
/** Time of day; `step` decides whether seconds and tenths are shown. */
export function clock(atMs: number, step: number, utc: boolean): string {
  const at = new Date(atMs);
  const hour = utc ? at.getUTCHours() : at.getHours();
  const minute = utc ? at.getUTCMinutes() : at.getMinutes();
  const second = utc ? at.getUTCSeconds() : at.getSeconds();
  let text = `${two(hour)}:${two(minute)}`;
  if (step < 60_000) text += `:${two(second)}`;
  if (step < 1000) text += `.${String(at.getUTCMilliseconds()).padStart(3, '0').slice(0, step < 10 ? 3 : 1)}`;
  return text;
}
