// The recording that is open, and its controls; shared by the replay view and the bar above every view.

import { get, post, Problem } from './api';
import type { Recording, Replay } from './types';
import { ui } from '../ui.svelte';
import { store } from './store';

/** Speeds offered; 1 is as it was. */
export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 50, 100];

class Player {
  state = $state.raw<Replay | null>(null);
  recordings = $state.raw<Recording[]>([]);
  folder = $state<string | null>(null);
  problem = $state<string | null>(null);
  busy = $state(false);
  /** A seek takes its time: when it has arrived, the views begin anew. */
  private arriving = false;
  private users = 0;
  private timer = 0;

  /** Follows the state while somebody looks at it. */
  follow(): () => void {
    this.users += 1;
    if (this.users === 1) void this.turn();
    return () => {
      this.users -= 1;
      if (this.users === 0) clearTimeout(this.timer);
    };
  }

  async list(): Promise<void> {
    try {
      const answer = await get<{ folder: string | null; recordings: Recording[] }>('recordings');
      this.folder = answer.folder;
      this.recordings = answer.recordings;
      this.problem = null;
    } catch (error) {
      this.problem = words(error);
    }
  }

  /** Asks for one action; what the server refuses is said. */
  async act(action: Record<string, unknown>): Promise<boolean> {
    this.busy = true;
    try {
      this.state = await post<Replay>('replay', action);
      this.arriving = action['action'] === 'seek';
      this.arrive();
      return true;
    } catch (error) {
      ui.say(words(error), 'critical');
      return false;
    } finally {
      this.busy = false;
    }
  }

  private arrive(): void {
    if (!this.arriving || this.state?.seeking) return;
    this.arriving = false;
    store.rewind();
  }

  toggle(): void {
    void this.act({ action: this.state?.state === 'playing' ? 'pause' : 'play' });
  }

  private async turn(): Promise<void> {
    try {
      if (!document.hidden && !this.busy) this.state = await get<Replay>('replay');
      this.arrive();
    } catch {
      // the bar says elsewhere that the connection is lost
    }
    if (this.users > 0) this.timer = window.setTimeout(() => void this.turn(), this.state?.state === 'playing' || this.state?.seeking ? 250 : 1000);
  }
}

export const player = new Player();

function words(error: unknown): string {
  return error instanceof Problem ? error.words : String(error);
}
