// The keyboard: every shortcut in one list, which is also what the help shows.

import { look } from './theme.svelte';
import { route, VIEWS, type View } from './route.svelte';
import { redraw } from './frame';
import { ui } from './ui.svelte';

/** Shortcuts as the help lists them. Those without `run` belong to a view and are heard there. */
export interface Shortcut {
  keys: string[];
  help: string;
  group: 'Everywhere' | 'Tables' | 'Instrument' | 'Replay';
  run?: () => void;
}

/** Where the first letter is taken. */
const LETTERS: Partial<Record<View, string>> = { surveillance: 'a' };

const go = (view: View) => () => route.go(view);

export const SHORTCUTS: Shortcut[] = [
  { group: 'Everywhere', keys: ['/'], help: 'Search instruments, views and commands', run: () => (ui.search = true) },
  { group: 'Everywhere', keys: ['?'], help: 'This help', run: () => (ui.help = !ui.help) },
  ...VIEWS.map((view, at): Shortcut => ({ group: 'Everywhere', keys: [String(at + 1), `g ${LETTERS[view] ?? view[0]}`], help: title(view), run: go(view) })),
  { group: 'Everywhere', keys: ['space'], help: 'Hold the screen still (the data goes on)', run: () => ui.pause() },
  { group: 'Everywhere', keys: ['t'], help: 'Dark or light', run: () => look.toggleTheme() },
  { group: 'Everywhere', keys: ['c'], help: 'Sides in blue and orange, or green and red', run: () => look.toggleSides() },
  { group: 'Everywhere', keys: ['f'], help: 'The panel under the pointer or focus fills the screen', run: fill },
  { group: 'Everywhere', keys: ['esc'], help: 'Back', run: back },
  { group: 'Tables', keys: ['↑', '↓'], help: 'Move between rows' },
  { group: 'Tables', keys: ['enter'], help: 'Open the instrument of the row' },
  { group: 'Instrument', keys: ['[', ']'], help: 'Finer or coarser price groups' },
  { group: 'Instrument', keys: ['←', '→'], help: 'Move a chart in time; + and - zoom, Home resets, End goes to now' },
  { group: 'Replay', keys: ['p'], help: 'Play or pause' },
  { group: 'Replay', keys: ['.'], help: 'One frame forward' },
];

export function title(view: View): string {
  return view.charAt(0).toUpperCase() + view.slice(1);
}

/** Listens to the keyboard. Fields and controls keep their own keys. */
export function listen(): () => void {
  let prefix = '';
  let prefixAt = 0;
  let pointer: EventTarget | null = null;
  const point = (event: PointerEvent): void => {
    pointer = event.target;
    under = pointer instanceof Element ? pointer.closest<HTMLElement>('[data-panel]') : null;
  };
  const down = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (event.key === 'Escape') {
      back();
      return;
    }
    if (target?.closest('input, select, textarea, dialog, [contenteditable]')) return;
    if (event.key === ' ' && target?.closest('button, a, summary, [role="slider"]')) return;
    const key = event.key === ' ' ? 'space' : event.key;
    const chord = prefix && event.timeStamp - prefixAt < 1200 ? `${prefix} ${key}` : key;
    prefix = '';
    const shortcut = SHORTCUTS.find((one) => one.keys.includes(chord));
    if (shortcut?.run) {
      event.preventDefault();
      shortcut.run();
    } else if (SHORTCUTS.some((one) => one.keys.some((keys) => keys.startsWith(`${chord} `)))) {
      prefix = chord;
      prefixAt = event.timeStamp;
    }
  };
  addEventListener('keydown', down);
  addEventListener('pointermove', point, { passive: true });
  return () => {
    removeEventListener('keydown', down);
    removeEventListener('pointermove', point);
  };
}

let under: HTMLElement | null = null;

function fill(): void {
  const panel = document.activeElement?.closest<HTMLElement>('[data-panel]') ?? under;
  ui.full = ui.full !== null ? null : (panel?.dataset['panel'] ?? null);
  requestAnimationFrame(redraw);
}

function back(): void {
  if (ui.search || ui.help) {
    ui.search = false;
    ui.help = false;
  } else if (ui.full !== null) {
    ui.full = null;
    requestAnimationFrame(redraw);
  }
}
