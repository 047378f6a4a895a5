import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from './audit';
import { Browser, number, pause, Program, realData, shot } from './harness';

interface Replay {
  state: string;
  seeking: boolean;
  at_ms: number;
  from_ms: number;
  to_ms: number | null;
  frame: number;
}

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(async () => browser?.stop());

/** Waits until the recording has been read through. */
async function whole(program: Program): Promise<Replay & { to_ms: number }> {
  for (let turn = 0; turn < 300; turn++) {
    const state = await program.get<Replay>('/api/v1/replay');
    if (state.to_ms !== null) return state as Replay & { to_ms: number };
    await pause(200);
  }
  throw new Error('the recording is not read through after a minute');
}

async function seek(program: Program, share: number): Promise<Replay> {
  const { from_ms, to_ms } = await whole(program);
  await program.post('/api/v1/replay', { action: 'pause' });
  let state = await program.post<Replay>('/api/v1/replay', { action: 'seek', at_ms: from_ms + (to_ms - from_ms) * share });
  while (state.seeking) {
    await pause(200);
    state = await program.get<Replay>('/api/v1/replay');
  }
  return state;
}

const folder = realData();
describe.skipIf(folder === null)('a real recording, served by replay (skipped where FATHOMETER_REALDATA is absent)', () => {
  let program: Program;
  beforeAll(async () => {
    program = await Program.start('replay', '--serve', join(folder ?? '', 'nkaz001-hftbacktest/examples/spot/btcusdt_20240808.gz'));
  });
  afterAll(async () => program?.stop());

  it('every view works on it and says that it is not live', async () => {
    await seek(program, 0.4);
    await program.post('/api/v1/replay', { action: 'play' });
    for (const view of ['overview', 'instrument', 'latency', 'system', 'replay']) {
      const { page, complaints } = await browser.open(program.address, `#/${view}`);
      await page.waitForSelector('section[aria-label="Replay, not live"]');
      await page.waitForSelector('header.replaying .mode.replay');
      await pause(4000);
      await shot(page, `replay-${view}-1440x900-dark`);
      expect(await page.evaluate(audit), view).toEqual([]);
      expect(complaints, view).toEqual([]);
      await page.close();
    }
  });

  it('held still, the page shows what the API tells', async () => {
    await seek(program, 0.6);
    const { page } = await browser.open(program.address, '#/overview', { width: 2600, height: 900 });
    const { instruments } = await program.get<{ instruments: { id: string }[] }>('/api/v1/instruments');
    const id = instruments[0]?.id ?? '';
    const told = await program.get<{ at_ms: number; values: Record<string, number | null> }>(`/api/v1/instruments/${encodeURIComponent(id)}/metrics`);
    await page.waitForFunction(([row, at]) => Math.abs(Number(document.querySelector<HTMLElement>(`tr[data-row="${row}"]`)?.dataset['at']) - Number(at)) < 0.01, [id, told.at_ms] as const, { timeout: 20_000 });
    const cells = await page.$$eval(`tr[data-row="${id}"] [data-column]`, (all) => all.map((cell) => [(cell as HTMLElement).dataset['column'] ?? '', cell.textContent ?? '', cell.getAttribute('aria-label') ?? '']));
    const shown = Object.fromEntries(cells.map(([column, text]) => [column, text]));
    let compared = 0;
    for (const [column, tolerance] of Object.entries({ mid: 0.0006, spread_bps: 0.00051, imbalance_10: 0.0051, microprice_minus_mid_bps: 0.00051, trade_imbalance_60s: 0.0051, depth_updates_per_s: 0.051, trades_per_s: 0.051, volatility_300s_annual_pct: 0.051 })) {
      const value = told.values[column];
      if (value === null || value === undefined) {
        expect(shown[column], column).toBe('–');
        expect(cells.find(([name]) => name === column)?.[2], column).toMatch(/^absent: ./);
      } else {
        expect(Math.abs(number(shown[column] ?? '') - value), `${column}: ${shown[column]} is shown, ${value} is told`).toBeLessThan(tolerance);
      }
      compared += 1;
    }
    expect(compared).toBe(8);
    await page.close();
  });

  it('it is played, stepped and moved from the page', async () => {
    const before = await seek(program, 0.2);
    const { page } = await browser.open(program.address, '#/overview');
    const bar = page.locator('section[aria-label="Replay, not live"]');
    await bar.locator('[aria-label="One frame forward"]').click();
    await expect.poll(async () => (await program.get<Replay>('/api/v1/replay')).frame).toBe(before.frame + 1);
    await page.keyboard.press('.');
    await expect.poll(async () => (await program.get<Replay>('/api/v1/replay')).frame).toBe(before.frame + 2);
    await bar.locator('select').selectOption('10');
    await page.keyboard.press('Escape');
    await bar.locator('[aria-label="Play"]').click();
    await expect.poll(async () => (await program.get<Replay>('/api/v1/replay')).at_ms).toBeGreaterThan(before.at_ms + 2000);
    await bar.locator('[aria-label="Pause"]').click();
    const { from_ms, to_ms } = await whole(program);
    await bar.locator('input[type="range"]').evaluate((range: HTMLInputElement, at) => {
      range.value = String(at);
      range.dispatchEvent(new Event('input', { bubbles: true }));
      range.dispatchEvent(new Event('change', { bubbles: true }));
    }, Math.round(from_ms + (to_ms - from_ms) * 0.8));
    await expect.poll(async () => (await program.get<Replay>('/api/v1/replay')).at_ms, { timeout: 20_000 }).toBeGreaterThan(from_ms + (to_ms - from_ms) * 0.75);
    await page.close();
  });
});

it('a recording is opened beside what runs, shown everywhere, and left again', async () => {
  const tapes = mkdtempSync(join(tmpdir(), 'fathometer-tapes-'));
  const recorder = await Program.start('demo', '--headless', '--record', tapes);
  await pause(8000);
  await recorder.stop();
  const program = await Program.start('demo', '--headless', '--recordings', tapes);
  const { page, complaints } = await browser.open(program.address, '#/replay');
  try {
    await page.click('[data-panel="recordings"] tbody button');
    await page.waitForSelector('section[aria-label="Replay, not live"]');
    expect(page.url()).toContain('source=replay');
    await pause(1500);
    await shot(page, 'replay-open');
    await page.click('[aria-label="Play"]');
    await page.keyboard.press('1');
    await page.waitForSelector('header.replaying');
    await page.waitForSelector('tr[data-row] [data-column="mid"]:not(:empty)');
    await page.waitForFunction(() => Number(document.querySelector<HTMLElement>('tr[data-row]')?.dataset['at'] ?? 0) > 0);
    const { at_ms } = await program.get<Replay>('/api/v1/replay');
    const shown = Number(await page.getAttribute('tr[data-row]', 'data-at'));
    expect(Math.abs(shown - at_ms)).toBeLessThan(30_000);
    expect(await page.evaluate(audit)).toEqual([]);
    await page.click('button:has-text("Back to live")');
    await page.waitForSelector('header:not(.replaying) .mode.demo');
    await page.waitForFunction((old) => Number(document.querySelector<HTMLElement>('tr[data-row]')?.dataset['at']) > old + 3000, at_ms, { timeout: 20_000 });
    expect(complaints).toEqual([]);
  } finally {
    await page.close();
    await program.stop();
    rmSync(tapes, { recursive: true, force: true });
  }
});
