// What the chrome shows, as reactive state that changes a few times a second at most; the markets' numbers do not pass here.

import { hold } from './frame';
import { store } from './data/store';
import type { Alert } from './data/alerts';
import type { LinkState } from './data/link';
import { notify } from './surveillance/notify.svelte';
import type { Fault, Instrument, Mode } from './data/types';

/** Where a notice leads to. */
interface Link {
  href: string;
  text: string;
}

class Ui {
  link = $state<LinkState>({ state: 'connecting', retryAt: null, attempts: 0, reason: null });
  /** Whether it was ever connected: afterwards old numbers stay on the screen, dimmed. */
  wasOpen = $state(false);
  mode = $state<Mode | null>(null);
  version = $state('');
  /** Instruments in the server's order. */
  instruments = $state.raw<Instrument[]>([]);
  faults = $state.raw<Fault[]>([]);
  faultsSeen = $state(0);
  /** What surveillance found, newest first. */
  alerts = $state.raw<Alert[]>([]);
  /** Goes up when the catalogue has come. */
  catalogue = $state(0);
  /** Goes up with every status of a book, at most four times a second. */
  statuses = $state(0);
  /** Goes up once a second: what shows an age is worked out anew. */
  second = $state(0);
  /** Goes up when a replay stands at another time: views gather their past anew. */
  epoch = $state(0);
  paused = $state(false);
  help = $state(false);
  search = $state(false);
  /** The panel that fills the screen. */
  full = $state<string | null>(null);
  /** The last answer to something the reader did. */
  notice = $state<{ text: string; kind: 'info' | 'critical'; link?: Link } | null>(null);
  private noticeTimer = 0;

  start(): void {
    let statusTimer = 0;
    store.listen((what) => {
      switch (what) {
        case 'link':
          this.link = { ...store.link };
          if (store.link.state === 'open') this.wasOpen = true;
          break;
        case 'catalogue':
          this.catalogue += 1;
          break;
        case 'instruments':
          this.instruments = store.markets.filter(Boolean).map((market) => market.info);
          break;
        case 'fault':
          this.faults = store.faults;
          this.faultsSeen = store.faultsSeen;
          break;
        case 'alerts':
          this.alerts = store.alerts;
          notify.hear(store.alerts, store.now());
          break;
        case 'clock':
          this.mode = store.clock?.mode ?? null;
          this.version = store.clock?.version ?? '';
          break;
        case 'status':
          statusTimer ||= window.setTimeout(() => {
            statusTimer = 0;
            this.statuses += 1;
          }, 250);
          break;
        case 'reset':
          this.instruments = [];
          this.faults = [];
          this.faultsSeen = 0;
          this.alerts = [];
          this.epoch += 1;
          break;
        case 'rewind':
          this.epoch += 1;
          break;
        case 'text':
          break;
      }
    });
    setInterval(() => (this.second += 1), 1000);
    store.start();
    store.subscribe('clock', null);
    store.subscribe('fault', null, { rate: 2 });
    store.subscribe('alerts', null, { rate: 2 });
    store.subscribe('status', '*', { rate: 1 });
  }

  /** Holds the screen still or lets it go on. */
  pause(on = !this.paused): void {
    this.paused = on;
    hold(on);
  }

  /** Says something for a few seconds. */
  say(text: string, kind: 'info' | 'critical' = 'info', link?: Link): void {
    this.notice = { text, kind, ...(link && { link }) };
    clearTimeout(this.noticeTimer);
    this.noticeTimer = window.setTimeout(() => (this.notice = null), kind === 'info' && !link ? 3000 : 8000);
  }
}

export const ui = new Ui();
