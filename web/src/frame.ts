// The one animation loop: everything that moves is drawn from here, once per frame, and not at all while the tab is hidden.

/** Draws what has changed; `now` is the frame's time as `performance.now()` gives it. */
export type Drawer = (now: number) => void;

const drawers = new Set<Drawer>();
/** Drawn once even while the screen is held: they have not drawn yet. */
const fresh = new Set<Drawer>();
let before: Drawer | null = null;
let handle = 0;
let held = false;
let once = false;

/** Calls the drawer every frame until the returned function is called. */
export function onFrame(draw: Drawer): () => void {
  drawers.add(draw);
  fresh.add(draw);
  start();
  return () => {
    drawers.delete(draw);
    fresh.delete(draw);
  };
}

/** Called first in each frame, also while the screen is held: takes in what arrived. */
export function beforeFrame(take: Drawer): void {
  before = take;
  start();
}

/** Holds the screen still (data keeps arriving) or lets it go on. */
export function hold(on: boolean): void {
  held = on;
  once = true;
}

export function isHeld(): boolean {
  return held;
}

/** Draws once even while held: after a resize, under the pointer. */
export function redraw(): void {
  once = true;
}

/** Time the drawers took and frames drawn, for the system view; sums since the start. */
export const cost = { frames: 0, drawMs: 0, longestMs: 0 };

function tick(now: number): void {
  handle = requestAnimationFrame(tick);
  before?.(now);
  const wanted = held && !once ? fresh : drawers;
  if (wanted.size === 0) return;
  once = false;
  const start = performance.now();
  for (const draw of wanted) draw(now);
  fresh.clear();
  const took = performance.now() - start;
  cost.frames += 1;
  cost.drawMs += took;
  if (took > cost.longestMs) cost.longestMs = took;
}

function start(): void {
  if (handle === 0 && !document.hidden) handle = requestAnimationFrame(tick);
}

if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      cancelAnimationFrame(handle);
      handle = 0;
    } else {
      once = true;
      start();
    }
  });
}
