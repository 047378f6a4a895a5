// What drawing costs and how fresh it is, for those who measure the page (tests/perf.mjs reads `window.fathometer`).

export interface Cost {
  drawn: number;
  ms: number;
}

/** Receive time of what was drawn to the frame it was drawn in, ms; a ring of the latest. */
const AGES = 4096;

export const gauge = {
  /** By drawer: pictures drawn and the time they took on the page's thread. */
  costs: {} as Record<string, Cost>,
  ages: new Float64Array(AGES),
  aged: 0,
  /** Draws the heatmap once more. */
  redrawHeat: () => undefined as void,
};

/** A book received at `atMs` by the server's clock was drawn now. Means something on one machine only: clocks differ. */
export function drawn(atMs: number): void {
  gauge.ages[gauge.aged % AGES] = performance.timeOrigin + performance.now() - atMs;
  gauge.aged += 1;
}

if (typeof window !== 'undefined') (window as unknown as { fathometer?: typeof gauge }).fathometer = gauge;
