// States in words, and how grave they are.

import type { Market } from './data/store';
import { store } from './data/store';
import type { LinkState } from './data/link';
import type { Fault } from './data/types';
import { clock, duration } from './format';

/** Each severity has a shape as well as a colour: dot, triangle, square, ring. */
export type Severity = 'good' | 'info' | 'warning' | 'critical';

const VALIDITIES: Record<string, { severity: Severity; words: string }> = {
  live: { severity: 'good', words: 'Book exact to the last update' },
  empty: { severity: 'info', words: 'Nothing received yet: waiting for the first message' },
  syncing: { severity: 'warning', words: 'Waiting for a snapshot that fits the updates' },
  gap: { severity: 'critical', words: 'An update was lost; a new snapshot is on its way' },
  checksum: { severity: 'critical', words: "The exchange's checksum does not match; the book is rebuilt" },
  audit: { severity: 'critical', words: 'An independent message disagrees with the book; it is rebuilt' },
  crossed: { severity: 'critical', words: 'Bids stand at or above asks; the book is rebuilt' },
  disconnected: { severity: 'critical', words: 'The connection to the exchange is down' },
  stale: { severity: 'warning', words: 'Nothing arrives although it should' },
  overflow: { severity: 'critical', words: 'A number does not fit the exact units' },
};

export function severityOf(validity: string): Severity {
  return VALIDITIES[validity]?.severity ?? 'warning';
}

/** "Book invalid since 12:04:07 (0.4 s): an update was lost; a new snapshot is on its way". */
export function bookWords(market: Market): string {
  const validity = store.validityOf(market);
  const known = VALIDITIES[validity];
  const words = known?.words ?? store.catalogue?.validities.find((word) => word.id === validity)?.help ?? validity;
  const since = market.status?.since_ms;
  if (!since || validity === 'empty') return words;
  const state = validity === 'live' ? 'Valid' : 'Not valid';
  return `${state} since ${clock(since, 'utc')} UTC (${duration(Math.max(0, store.now() - since))}): ${lower(words)}`;
}

/** State of the page's own connection. */
export function linkWords(link: LinkState, secondsToRetry: number | null, host: string): string {
  switch (link.state) {
    case 'open':
      return `connected to ${host}`;
    case 'connecting':
      return link.attempts === 0 ? `connecting to ${host}` : `connecting to ${host}, attempt ${link.attempts + 1}`;
    case 'waiting':
      return `no connection to ${host}: ${link.reason ?? 'it was lost'}${secondsToRetry === null ? '' : `; next attempt in ${Math.max(0, secondsToRetry)} s`}`;
    case 'closed':
      return 'closed';
  }
}

export function faultSeverity(fault: Fault): Severity {
  if (fault.remedy === 'stop' || fault.kind === 'refused') return 'critical';
  if (fault.remedy === 'skip' || fault.kind === 'closing') return 'info';
  return 'warning';
}

/** What happened, without the instrument's name, which stands beside it. */
export function faultText(fault: Fault): string {
  const name = `${fault.instrument}: `;
  return fault.instrument !== null && fault.text.startsWith(name) ? fault.text.slice(name.length) : fault.text;
}

/** What a reader can do about faults that the program cannot mend. */
export function faultAdvice(fault: Fault): string | null {
  if (fault.kind === 'refused') {
    return 'The exchange refuses this place or address. Run fathometer where it may be used, choose another exchange (`fathometer run okx:BTC-USDT`), or set another endpoint in exchanges.yaml';
  }
  if (fault.kind === 'throttled') return 'Too many requests from this address: it waits as long as the exchange asks';
  if (fault.kind === 'tape') return 'The recording could not be written: see whether the disk is full';
  return null;
}

function lower(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}
