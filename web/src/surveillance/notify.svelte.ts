// The browser's own notifications of alerts that begin to fire: only where the reader asked for them.

import { start, type Alert } from '../data/alerts';

/** Older alerts are no news. */
const NEWS_MS = 60_000;
const KEY = 'notify';

class Notify {
  on = $state(typeof localStorage !== 'undefined' && localStorage.getItem(KEY) === '1');
  private told = new Set<string>();

  /** Whether this browser can do it, on an address that it trusts. */
  get possible(): boolean {
    return typeof Notification !== 'undefined' && isSecureContext;
  }

  async toggle(): Promise<string | null> {
    if (this.on) {
      this.on = false;
    } else {
      if ((await Notification.requestPermission()) !== 'granted') return 'This browser refuses notifications of this page: allow them in its settings';
      this.on = true;
    }
    localStorage.setItem(KEY, this.on ? '1' : '0');
    return null;
  }

  /** Tells of alerts that have just begun to fire. */
  hear(alerts: Alert[], now: number): void {
    for (const alert of alerts) {
      const key = `${alert.id} ${alert.severity}`;
      if (alert.state !== 'firing' || alert.severity === 'info' || this.told.has(key)) continue;
      this.told.add(key);
      if (!this.on || !this.possible || Notification.permission !== 'granted' || now - start(alert) > NEWS_MS) continue;
      const note = new Notification(`${alert.severity}: ${alert.instrument}`, { body: `${alert.title}: ${alert.text}`, tag: alert.id });
      note.onclick = () => {
        window.focus();
        location.hash = `#/surveillance?alert=${alert.id}`;
      };
    }
  }
}

export const notify = new Notify();
