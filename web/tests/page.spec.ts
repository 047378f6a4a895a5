import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from './audit';
import { Browser, number, pause, Program, shot, SIZES, THEMES } from './harness';

let program: Program;
let browser: Browser;

beforeAll(async () => {
  [program, browser] = await Promise.all([Program.start('demo', '--headless'), Browser.start()]);
  if (process.env['FATHOMETER_SHOTS'] === '1') await pause(75_000); // pictures show more with a past
});
afterAll(async () => {
  await browser?.stop();
  await program?.stop();
});

/** What each view shows once it has something to show. */
const VIEWS = [
  { name: 'overview', hash: '#/overview', ready: 'tr[data-row] [data-column="mid"]:not(:empty)' },
  { name: 'instrument', hash: '#/instrument/binance:BTCUSDT', ready: '[data-panel]' },
  { name: 'latency', hash: '#/latency', ready: '.card .median' },
  { name: 'system', hash: '#/system', ready: '[data-panel="books"] tbody tr[class] , [data-panel="books"] tbody tr' },
  { name: 'replay', hash: '#/replay', ready: '[data-panel="recordings"]' },
  { name: 'surveillance', hash: '#/surveillance', ready: '[data-board] td.light' },
] as const;

describe.each(VIEWS)('$name', ({ name, hash, ready }) => {
  for (const size of SIZES) {
    for (const theme of THEMES) {
      it(`at ${size.name}, ${theme}: something to see, nothing to complain of`, async () => {
        const { page, complaints, strangers } = await browser.open(program.address, hash, { ...size, theme });
        await page.waitForSelector(ready, { state: 'attached', timeout: 20_000 });
        await pause(3500);
        await shot(page, `${name}-${size.name}-${theme}`);
        expect(await page.evaluate(audit)).toEqual([]);
        expect(complaints).toEqual([]);
        expect(strangers).toEqual([]);
        await page.close();
      });
    }
  }
});

it('the numbers of the overview are those of the API at the same instant', async () => {
  const { page } = await browser.open(program.address, '#/overview', { width: 2600, height: 1200 });
  await page.waitForSelector(VIEWS[0].ready);
  const columns: Record<string, number> = { mid: 0.006, spread_bps: 0.00051, imbalance_10: 0.0051, depth_updates_per_s: 0.051, microprice_minus_mid_bps: 0.00051 };
  // what the page shows, by instrument and instant, while the API is asked for the same
  await page.evaluate(() => {
    const seen = ((window as unknown as { seen: Record<string, Record<string, string>> }).seen = {});
    const look = (): void => {
      for (const row of document.querySelectorAll<HTMLElement>('tr[data-row]')) {
        const cells = Object.fromEntries([...row.querySelectorAll<HTMLElement>('[data-column]')].map((cell) => [cell.dataset['column'], cell.textContent]));
        Object.assign(seen, { [`${row.dataset['row']} ${Number(row.dataset['at']).toFixed(3)}`]: cells });
      }
      requestAnimationFrame(look);
    };
    look();
  });
  await pause(15_000);
  // the latest values, and the samples of the seconds that have just passed
  const told: { key: string; values: Record<string, number | null> }[] = [];
  const { instruments } = await program.get<{ instruments: { id: string }[] }>('/api/v1/instruments');
  for (const { id } of instruments) {
    const path = `/api/v1/instruments/${encodeURIComponent(id)}/metrics`;
    const latest = await program.get<{ at_ms: number; values: Record<string, number | null> }>(path);
    told.push({ key: `${id} ${latest.at_ms.toFixed(3)}`, values: latest.values });
    const past = await program.get<{ at_ms: number[]; values: Record<string, (number | null)[]> }>(`${path}/history?resolution=1s&columns=${Object.keys(columns).join(',')}`);
    past.at_ms.forEach((at, i) => {
      told.push({ key: `${id} ${at.toFixed(3)}`, values: Object.fromEntries(Object.keys(columns).map((column) => [column, past.values[column]?.[i] ?? null])) });
    });
  }
  // a busy machine draws later than it answers
  const last = Math.max(...told.map(({ key }) => Number(key.split(' ').at(-1))));
  await page.waitForFunction((at) => Number(document.querySelector<HTMLElement>('tr[data-row]')?.dataset['at']) > at, last, { timeout: 20_000 });
  const seen = await page.evaluate(() => (window as unknown as { seen: Record<string, Record<string, string>> }).seen);
  let compared = 0;
  for (const { key, values } of told) {
    const row = seen[key];
    if (!row) continue;
    for (const [column, tolerance] of Object.entries(columns)) {
      const [value, text] = [values[column], row[column] ?? ''];
      if (value === null || value === undefined) expect(text, `${key} ${column}`).toBe('–');
      else expect(Math.abs(number(text) - value), `${key} ${column}: ${text} is shown, ${value} is told`).toBeLessThan(tolerance);
      compared += 1;
    }
  }
  console.log(`compared ${compared} numbers of ${told.length} answers`);
  expect(compared).toBeGreaterThan(30);
  await page.close();
});

it('everything can be done from the keyboard', async () => {
  const { page, complaints } = await browser.open(program.address, '#/overview');
  await page.waitForSelector(VIEWS[0].ready);
  const place = (): Promise<string> => page.evaluate(() => location.hash);

  await page.keyboard.press('/');
  await page.keyboard.type('usdm ethusdt');
  await page.waitForSelector('[role="option"][aria-selected="true"]');
  await shot(page, 'search');
  await page.keyboard.press('Enter');
  expect(await place()).toBe('#/instrument/binance-usdm:ETHUSDT');
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  expect(await place()).toContain('#/overview');

  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open] kbd');
  await shot(page, 'help');
  expect(await page.evaluate(audit)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });

  await page.focus('tr[data-row]');
  await page.keyboard.press('ArrowDown');
  const second = await page.evaluate(() => (document.activeElement as HTMLElement).dataset['row']);
  await page.keyboard.press('Enter');
  expect(await place()).toContain(`#/instrument/${second}`);
  for (const [key, view] of [['3', 'latency'], ['4', 'system'], ['5', 'replay'], ['6', 'surveillance'], ['1', 'overview']] as const) {
    await page.keyboard.press(key);
    expect(await place()).toContain(`#/${view}`);
  }
  await page.keyboard.press('t');
  expect(await page.getAttribute('html', 'data-theme')).toBe('light');
  await page.keyboard.press('c');
  expect(await page.getAttribute('html', 'data-sides')).toBe('green-red');
  expect(complaints).toEqual([]);
  await page.close();
});

it('space holds the screen, not the data', async () => {
  const { page } = await browser.open(program.address, '#/overview');
  await page.waitForSelector(VIEWS[0].ready);
  await pause(1000);
  const table = (): Promise<string | null> => page.textContent('[data-panel="overview"] tbody');
  await page.keyboard.press('Space');
  await page.waitForSelector('.held');
  await pause(500);
  const held = await table();
  await pause(1500);
  expect(await table()).toBe(held);
  await page.keyboard.press('Space');
  await page.waitForFunction((was) => document.querySelector('[data-panel="overview"] tbody')?.textContent !== was, held, { timeout: 10_000 });
  await page.close();
});

it('the address holds filter and order, and brings them back', async () => {
  const { page } = await browser.open(program.address, '#/overview');
  await page.waitForSelector(VIEWS[0].ready);
  await page.fill('input[type="search"]', 'perp');
  await page.click('th button:has-text("Spread")');
  await page.click('button:has-text("Group")');
  const rows = (): Promise<string[]> => page.$$eval('tr[data-row]', (all) => all.map((row) => (row as HTMLElement).dataset['row'] ?? ''));
  await pause(300);
  const shown = await rows();
  expect(shown.length).toBeGreaterThan(1);
  const spreads = await page.$$eval('tr[data-row] [data-column="spread_bps"]', (all) => all.map((cell) => Number(cell.textContent)));
  expect(spreads.length).toBe(shown.length);
  const address = page.url();
  await page.close();
  const again = await browser.open(program.address, address.slice(address.indexOf('#')));
  await again.page.waitForSelector(VIEWS[0].ready);
  expect((await again.page.$$eval('tr[data-row]', (all) => all.map((row) => (row as HTMLElement).dataset['row'] ?? ''))).sort()).toEqual(shown.sort());
  expect(await again.page.inputValue('input[type="search"]')).toBe('perp');
  expect(await again.page.getAttribute('th:has-text("Spread")', 'aria-sort')).toBe('descending');
  await again.page.close();
});

it('what is seen can be saved as CSV and as a picture', async () => {
  const { page } = await browser.open(program.address, '#/overview');
  await page.waitForSelector(VIEWS[0].ready);
  await pause(1500);
  const [csv] = await Promise.all([page.waitForEvent('download'), page.click('[aria-label="Overview: save as CSV"]')]);
  const text = await csv.createReadStream().then(async (stream) => {
    let all = '';
    for await (const part of stream) all += String(part);
    return all;
  });
  const lines = text.trim().split('\n');
  expect(lines[0]).toMatch(/^instrument,canonical,validity,mid/);
  expect(lines.length).toBe(1 + (await page.$$('tr[data-row]')).length);
  const [png] = await Promise.all([page.waitForEvent('download'), page.click('[data-panel^="compare"] [title="Save the picture as PNG"]')]);
  expect(png.suggestedFilename()).toMatch(/\.png$/);
  await page.close();
});

it('the first load is small', async () => {
  const fresh = await Browser.start(); // nothing cached
  const { page } = await fresh.open(program.address, '#/overview');
  await page.waitForSelector(VIEWS[0].ready);
  const { bytes, number: first } = await page.evaluate(() => {
    const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')] as PerformanceResourceTiming[];
    const files = entries.filter((entry) => !entry.name.includes('/api/'));
    return { bytes: files.reduce((sum, entry) => sum + entry.transferSize, 0), number: performance.now() };
  });
  console.log(`first load: ${(bytes / 1000).toFixed(1)} kB over the wire, first number within ${first.toFixed(0)} ms`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(250_000);
  await fresh.stop();
});

it('a lost connection is said, counted down, and made again without loading the page anew', async () => {
  const other = await Program.start('demo', '--headless');
  const { page } = await browser.open(other.address, '#/overview');
  try {
    await page.waitForSelector(VIEWS[0].ready);
    await page.evaluate(() => ((window as unknown as { mark: number }).mark = 7));
    await other.stop('SIGKILL');
    await page.waitForSelector('text=/no connection to .*next attempt in \\d+ s/', { timeout: 15_000 });
    await page.waitForSelector('main.old');
    await shot(page, 'disconnected');
    await other.again();
    await page.waitForSelector('main:not(.old) tr[data-row] [data-column="mid"]', { timeout: 30_000 });
    const at = async (): Promise<number> => Number(await page.getAttribute('tr[data-row]', 'data-at'));
    const before = await at();
    await pause(2000);
    expect(await at()).toBeGreaterThan(before);
    expect(await page.evaluate(() => (window as unknown as { mark: number }).mark)).toBe(7);
  } finally {
    await page.close();
    await other.stop();
  }
});

it('lost updates are shown as faults, and the numbers of the book as not vouched for', async () => {
  const other = await Program.start('demo', '--headless', '--fault', 'gap');
  const { page, complaints } = await browser.open(other.address, '#/overview');
  try {
    await page.waitForSelector('footer .latest b', { timeout: 60_000 });
    await page.click('footer button');
    await page.waitForSelector('[aria-label="Faults"] li .text');
    await shot(page, 'faults');
    expect(await page.evaluate(audit)).toEqual([]);
    const { seen } = await other.get<{ seen: number }>('/api/v1/faults');
    expect(Number((await page.textContent('[aria-label="Faults"] header span'))?.match(/\d+/)?.[0])).toBeGreaterThan(0);
    expect(seen).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  } finally {
    await page.close();
    await other.stop();
  }
});
