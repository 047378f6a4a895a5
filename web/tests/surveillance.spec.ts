import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audit } from './audit';
import { Browser, pause, Program, shot } from './harness';

interface Alert {
  id: string;
  state: string;
  frames: string;
  fired_ms: number;
  instrument: string;
  evidence: { name: string; value: number }[];
  notes: { by: string; text: string }[];
}

let browser: Browser;
let program: Program;
const state = mkdtempSync(join(tmpdir(), 'fathometer-state-'));
beforeAll(async () => {
  [program, browser] = await Promise.all([Program.start('demo', '--headless', '--fault', 'gap:every=2s', '--state', state), Browser.start()]);
});
afterAll(async () => {
  await browser?.stop();
  await program?.stop();
  rmSync(state, { recursive: true, force: true });
});

const alerts = async (query: string): Promise<Alert[]> => (await program.get<{ alerts: Alert[] }>(`/api/v1/alerts?${query}`)).alerts;

async function first(query: string, fits: (alert: Alert) => boolean = () => true): Promise<Alert> {
  for (let turn = 0; turn < 300; turn++) {
    const found = (await alerts(query)).find(fits);
    if (found) return found;
    await pause(300);
  }
  throw new Error(`no alert of ${query}`);
}

it('an alert comes by itself, tells its story, and is acknowledged, noted and resolved', async () => {
  const { page, complaints, strangers } = await browser.open(program.address, '#/surveillance');
  const alert = await first('state=firing&severity=warning');
  await page.click(`[data-alert="${alert.id}"]`);
  await page.waitForSelector('footer .alerts.firing');
  await page.waitForSelector('[data-panel="story"] .chart canvas');
  const story = (await page.textContent('[data-panel="story"]')) ?? '';
  expect(story).toContain(alert.instrument);
  for (const measure of alert.evidence) expect(story).toContain(measure.name.replaceAll('_', ' '));
  expect(await page.getAttribute('button:has-text("Acknowledge")', 'disabled')).not.toBeNull(); // nobody has signed
  await page.fill('[aria-label="Your name"]', 'ann');
  await page.fill('[aria-label="Note"]', 'looking at it');
  await page.click('button:has-text("Acknowledge")');
  await page.waitForSelector('[aria-label="Notes"] li:has-text("looking at it")');
  await page.click('button:has-text("Resolve")');
  await page.waitForSelector(`[data-alert="${alert.id}"]:has-text("resolved")`);
  const told = await program.get<Alert>(`/api/v1/alerts/${alert.id}`);
  expect(told.state).toBe('resolved');
  expect(told.notes[0]).toMatchObject({ by: 'ann', text: 'looking at it' });
  await page.selectOption('[aria-label="State"]', 'acknowledged');
  expect(page.url()).toContain('state=acknowledged');
  await page.waitForSelector(`[data-alert="${alert.id}"]`, { state: 'detached' });
  expect(complaints).toEqual([]);
  expect(strangers).toEqual([]);
  await page.close();
});

it('the board has a row per instrument with lights, and the thresholds are shown', async () => {
  const { page } = await browser.open(program.address, '#/surveillance', { width: 1800, height: 1100 });
  const { instruments } = await program.get<{ instruments: { id: string }[] }>('/api/v1/board');
  await page.waitForFunction((count) => document.querySelectorAll('[data-board]').length === count, instruments.length);
  await page.waitForSelector('[data-board] td.light svg');
  const detectors = (await program.get<{ detectors: { title: string }[] }>('/api/v1/detectors')).detectors;
  expect((await page.$$('[data-panel="detectors"] details')).length).toBe(detectors.length);
  await page.click('[data-panel="detectors"] summary >> nth=0');
  await page.waitForSelector('[data-panel="detectors"] details[open] dl dd');
  expect(await page.evaluate(audit)).toEqual([]);
  await shot(page, 'surveillance');
  await page.close();
});

it('the evidence can be saved and replayed', async () => {
  const kept = await first('severity=warning', (alert) => alert.frames === 'kept');
  const { page, complaints } = await browser.open(program.address, `#/surveillance?alert=${kept.id}`);
  await page.waitForSelector('button:has-text("Download the evidence"):not(:disabled)');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("Download the evidence")')]);
  expect(file.suggestedFilename()).toBe(`alert-${kept.id}.ftape`);
  await page.click('button:has-text("Open in replay")');
  await page.waitForFunction(() => location.hash.includes('source=replay'));
  const again = await first(`source=replay`, (alert) => alert.id === kept.id);
  expect(again.fired_ms).toBe(kept.fired_ms);
  expect(complaints).toEqual([]);
  await page.close();
});
