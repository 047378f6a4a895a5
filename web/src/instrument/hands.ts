// Pointer, wheel and keys over a chart of time and price: pan, zoom, reset, crosshair. Draws nothing.

import type { Cross } from './cross';
import type { View } from './view';

/** Zoom per wheel notch of 100 pixels. */
const NOTCH = 1.18;

export interface Ground {
  /** Plot size now, pixels of the page. */
  width: () => number;
  height: () => number;
  /** The server's clock. */
  now: () => number;
  /** Bounds of the price window's height. */
  heightMin: () => number;
  heightMax: () => number;
  /** Span after a reset, ms. */
  spanMs: number;
  /** Whether the chart has the view's price axis; without it only time moves. */
  priced: boolean;
  /** After anything a person did. */
  touched: () => void;
}

type Zone = 'plot' | 'price' | 'time';

/** Attaches to an element; the returned function detaches. */
export function hands(element: HTMLElement, view: View, cross: Cross, ground: Ground): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let zone: Zone = 'plot';
  let box = element.getBoundingClientRect();

  const place = (event: MouseEvent): { x: number; y: number } => {
    box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const zoneOf = ({ x, y }: { x: number; y: number }): Zone =>
    y > ground.height() ? 'time' : x > ground.width() && ground.priced ? 'price' : 'plot';
  const zoomPrice = (factor: number, at: number): void => {
    if (ground.priced) view.zoomPrice(factor, at, ground.heightMin(), ground.heightMax());
  };

  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const at = place(event);
    if (pointers.size === 0) zone = zoneOf(at);
    pointers.set(event.pointerId, at);
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
  };
  const move = (event: PointerEvent): void => {
    const at = place(event);
    const from = pointers.get(event.pointerId);
    if (!from) {
      point(at);
      return;
    }
    const other = pointers.size === 2 ? [...pointers].find(([id]) => id !== event.pointerId)?.[1] : undefined;
    if (other) pinch(from, at, other);
    else drag(at.x - from.x, at.y - from.y, event.pointerType === 'touch');
    from.x = at.x;
    from.y = at.y;
    point(at);
    ground.touched();
  };
  const drag = (dx: number, dy: number, touch: boolean): void => {
    const [width, height] = [ground.width(), ground.height()];
    if (zone === 'price') zoomPrice(1.006 ** dy, 0.5);
    else if (zone === 'time') view.zoomTime(1.006 ** -dx, 1, ground.now());
    else view.pan(dx, ground.priced && !touch ? dy : 0, width, height, ground.now());
  };
  const pinch = (from: { x: number; y: number }, to: { x: number; y: number }, other: { x: number; y: number }): void => {
    const apart = (p: { x: number; y: number }): [number, number] => [Math.abs(p.x - other.x), Math.abs(p.y - other.y)];
    const [x0, y0] = apart(from);
    const [x1, y1] = apart(to);
    if (x0 > 30 && x1 > 30) view.zoomTime(x0 / x1, (other.x + to.x) / 2 / ground.width(), ground.now());
    if (y0 > 30 && y1 > 30) zoomPrice(y0 / y1, (other.y + to.y) / 2 / ground.height());
  };
  const point = (at: { x: number; y: number }): void => {
    if (at.x < 0 || at.x > ground.width() || at.y < 0 || at.y > ground.height()) cross.clear();
    else cross.set(view.timeAt(at.x, ground.width()), ground.priced ? view.priceAt(at.y, ground.height()) : NaN);
  };
  const up = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
    if (event.pointerType === 'touch') cross.clear();
  };
  const leave = (): void => {
    if (pointers.size === 0) cross.clear();
  };
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const at = place(event);
    const notches = (event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY) / 100;
    const sideways = (event.deltaMode === 1 ? event.deltaX * 33 : event.deltaX) / 100;
    const factor = NOTCH ** Math.max(-4, Math.min(4, notches || (event.shiftKey ? sideways : 0)));
    const [width, height] = [ground.width(), ground.height()];
    if (event.shiftKey || zoneOf(at) === 'price') zoomPrice(factor, Math.min(1, Math.max(0, at.y / height)));
    else if (Math.abs(sideways) > Math.abs(notches)) view.pan(-sideways * 60, 0, width, height, ground.now());
    else {
      view.zoomTime(factor, Math.min(1, Math.max(0, at.x / width)), ground.now());
      if (event.ctrlKey) zoomPrice(factor, Math.min(1, Math.max(0, at.y / height)));
    }
    point(at);
    ground.touched();
  };
  const reset = (): void => {
    view.reset(ground.spanMs);
    ground.touched();
  };
  const key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [width, height, now] = [ground.width(), ground.height(), ground.now()];
    const moves: Record<string, () => void> = {
      ArrowLeft: () => view.pan(width / 10, 0, width, height, now),
      ArrowRight: () => view.pan(-width / 10, 0, width, height, now),
      ArrowUp: () => (ground.priced ? view.pan(0, height / 10, width, height, now) : undefined),
      ArrowDown: () => (ground.priced ? view.pan(0, -height / 10, width, height, now) : undefined),
      '+': () => view.zoomTime(1 / 1.4, 1, now),
      '=': () => view.zoomTime(1 / 1.4, 1, now),
      '-': () => view.zoomTime(1.4, 1, now),
      Home: reset,
      End: () => view.goLive(),
    };
    const act = moves[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
    ground.touched();
  };

  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', up);
  element.addEventListener('pointerleave', leave);
  element.addEventListener('wheel', wheel, { passive: false });
  element.addEventListener('dblclick', reset);
  element.addEventListener('keydown', key);
  return () => {
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', up);
    element.removeEventListener('pointercancel', up);
    element.removeEventListener('pointerleave', leave);
    element.removeEventListener('wheel', wheel);
    element.removeEventListener('dblclick', reset);
    element.removeEventListener('keydown', key);
  };
}
