// Fills one row of the overview: only what has changed is touched, in the frame loop, without the framework.

import { store, type Market } from '../data/store';
import { ABSENT, duration } from '../format';
import { bookWords } from '../words';
import { cell, COLUMNS } from './columns';
import { drawSpark } from './spark';

const FLASH_MS = 150;
const still = typeof matchMedia !== 'undefined' && matchMedia('(prefers-reduced-motion: reduce)').matches;

interface Cell {
  td: HTMLElement;
  text: Text;
  bar: HTMLElement | null;
  shown: string;
  value: number | null;
  why: string | null;
}

/** One row on the screen. */
export class Row {
  private readonly cells: Cell[];
  private readonly state: HTMLElement | null;
  private readonly canvas: HTMLCanvasElement | null;
  private version = -1;
  private sparkTotal = -1;
  private sparkAt = 0;
  private stateShown = '';

  constructor(private readonly tr: HTMLElement, private readonly market: Market) {
    this.cells = COLUMNS.map((column) => {
      const td = tr.querySelector<HTMLElement>(`[data-column="${column.id}"]`) as HTMLElement;
      const span = td.querySelector('span') as HTMLElement;
      const text = document.createTextNode('');
      span.replaceChildren(text);
      return { td, text, bar: td.querySelector<HTMLElement>('i'), shown: '', value: null, why: null };
    });
    this.state = tr.querySelector('[data-state]');
    this.canvas = tr.querySelector('canvas');
  }

  draw(now: number, palette: number): void {
    const { market } = this;
    if (market.version !== this.version) {
      this.version = market.version;
      this.tr.dataset['at'] = String(market.metrics.at); // when these numbers are from
      for (let i = 0; i < this.cells.length; i++) this.fill(i);
    }
    const valid = store.validityOf(market) === 'live';
    const since = market.status?.since_ms;
    const state = valid ? 'live' : `${store.validityOf(market)}${since ? ` ${duration(Math.max(0, Math.floor((store.now() - since) / 100) * 100))}` : ''}`;
    if (state !== this.stateShown && this.state) {
      this.stateShown = state;
      this.state.textContent = state;
      this.tr.classList.toggle('not-live', !valid);
      this.tr.title = valid ? '' : bookWords(market);
    }
    const { mids } = market;
    if (this.canvas && (mids.total !== this.sparkTotal || now - this.sparkAt > 1000 || palette !== this.palette)) {
      this.sparkTotal = mids.total;
      this.sparkAt = now;
      this.palette = palette;
      drawSpark(this.canvas, mids, Math.max(mids.newestAt, store.now() - 2000));
    }
  }
  private palette = -1;

  private fill(i: number): void {
    const column = COLUMNS[i];
    const one = this.cells[i];
    if (!column || !one) return;
    const { text, why } = cell(column, this.market);
    if (text !== one.shown) {
      const value = column.value(this.market);
      if (column.flash && !still && one.value !== null && value !== null && value !== one.value) {
        const colour = value > one.value ? 'var(--bid-soft)' : 'var(--ask-soft)';
        one.td.animate([{ backgroundColor: colour }, { backgroundColor: 'transparent' }], { duration: FLASH_MS, easing: 'ease-out' });
      }
      one.text.data = text;
      one.shown = text;
      one.value = value;
      one.td.classList.toggle('absent', text === ABSENT);
      if (one.bar && column.bar === 'balance') {
        const share = Math.max(-1, Math.min(1, value ?? 0));
        one.bar.style.transform = `scaleX(${share})`;
        one.bar.classList.toggle('ask-bar', share < 0);
      }
    }
    if (why !== one.why) {
      one.why = why;
      if (why === null) {
        one.td.removeAttribute('title');
        one.td.removeAttribute('aria-label');
      } else {
        one.td.title = why;
        one.td.setAttribute('aria-label', `absent: ${why}`);
      }
    }
  }
}
