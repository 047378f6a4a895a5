import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from './audit';
import { Browser, number, pause, Program, shot, SIZES, THEMES } from './harness';

let program: Program;
let browser: Browser;

beforeAll(async () => {
  [program, browser] = await Promise.all([Program.start('demo', '--headless'), Browser.start()]);
});
afterAll(async () => {
  await browser?.stop();
  await program?.stop();
});

/** An order that takes many levels, with its volatility given, since measuring one takes minutes. */
const ORDER = '#/cost/binance:BTCUSDT?side=buy&type=market&notional=3000000&vol=60&horizon=1h&risk=0.00001';
const READY = '[data-field="net_cost_bps"]:not(.absent)';

/** An answer of the API, as far as it is looked at here. */
type Told = Record<string, unknown> & { symbol: string; sequence: number; validity: string; reasons: Record<string, string>; schedule: { trajectory: number[] } | null };

/** Every figure that stands on the page, with the answer that it is of. */
async function shown(page: Page): Promise<{ sequence: number; at: number; fields: Record<string, { text: string; why: string }> }> {
  return page.evaluate(() => {
    const results = document.querySelector<HTMLElement>('.results')!;
    const fields: Record<string, { text: string; why: string }> = {};
    for (const one of results.querySelectorAll<HTMLElement>('[data-field]')) fields[one.dataset['field']!] = { text: one.textContent ?? '', why: one.title };
    return { sequence: Number(results.dataset['sequence']), at: Number(results.dataset['at']), fields };
  });
}

/** Opens the page and keeps what the API answers to it about the order itself. */
async function open(hash: string, size = {}): Promise<{ page: Page; complaints: string[]; strangers: string[]; told: Map<string, Told>; asked: URL[] }> {
  const { page, complaints, strangers } = await browser.open(program.address, '', size);
  const told = new Map<string, Told>();
  const asked: URL[] = [];
  page.on('response', (response) => {
    const url = new URL(response.url());
    if (!url.pathname.endsWith('/cost') || !url.searchParams.has('fills') || response.status() !== 200) return;
    asked.push(url);
    void response.json().then((it: Told) => told.set(`${it.sequence} ${it['at_ms'] as number}`, it)).catch(() => undefined); // an answer that came too late is not read
  });
  await page.evaluate((to) => (location.hash = to), hash);
  return { page, complaints, strangers, told, asked };
}

/** Compares every figure on the page with the answer that it is of. */
async function compare(page: Page, told: Map<string, Told>): Promise<{ numbers: number; dashes: number; answer: Told }> {
  const seen = await shown(page);
  await pause(200); // its body may still be read here
  const answer = told.get(`${seen.sequence} ${seen.at}`);
  if (!answer) throw new Error(`no answer of sequence ${seen.sequence} at ${seen.at} was heard`);
  let [numbers, dashes] = [0, 0];
  for (const [field, { text, why }] of Object.entries(seen.fields)) {
    const value = answer[field] as number | null;
    if (value === null) {
      expect(text, field).toBe('–');
      expect(why.length, `${field} says why: ${answer.reasons[field]}`).toBeGreaterThan(5);
      dashes += 1;
    } else {
      const decimals = text.split('.')[1]?.length ?? 0;
      expect(Math.abs(number(text) - value), `${field}: ${text} is shown, ${value} is told`).toBeLessThanOrEqual(0.500001 * 10 ** -decimals);
      numbers += 1;
    }
  }
  return { numbers, dashes, answer };
}

describe('the view', () => {
  for (const size of SIZES) {
    for (const theme of THEMES) {
      it(`at ${size.name}, ${theme}: something to see, nothing to complain of`, async () => {
        const { page, complaints, strangers } = await browser.open(program.address, ORDER, { ...size, theme });
        await page.waitForSelector(READY, { state: 'attached', timeout: 20_000 });
        await pause(2500);
        await shot(page, `cost-${size.name}-${theme}`);
        expect(await page.evaluate(audit)).toEqual([]);
        expect(complaints).toEqual([]);
        expect(strangers).toEqual([]);
        await page.close();
      });
    }
  }
});

it('every figure is that of the API, and the order that was asked for is that of the address', async () => {
  const { page, told, asked } = await open(ORDER);
  await page.waitForSelector(READY);
  for (let round = 0; round < 5; round += 1) {
    await pause(700);
    const { numbers, answer } = await compare(page, told);
    expect(numbers).toBeGreaterThan(20);
    expect(answer).toMatchObject({ symbol: 'binance:BTCUSDT', side: 'buy', horizon_seconds: 3600, slices: 60, risk_aversion: 0.00001, volatility_annual_pct: 60, fully_filled: true });
    expect(answer.schedule?.trajectory.length).toBe(61);
  }
  expect(Object.fromEntries(asked[0]!.searchParams)).toEqual({
    instrument: 'binance:BTCUSDT', side: 'buy', notional: '3000000', horizon_seconds: '3600', risk_aversion: '0.00001', volatility_annual_pct: '60', fills: '1000',
  });
  await page.close();
});

it('it is asked again as the book moves, a few times a second, and not while the screen is held', async () => {
  const { page, told } = await open(ORDER);
  await page.waitForSelector(READY);
  await pause(500);
  const before = told.size;
  await pause(4000);
  const answers = told.size - before;
  expect(answers).toBeGreaterThanOrEqual(6);
  expect(answers).toBeLessThanOrEqual(17);
  await page.keyboard.press('Space');
  await page.waitForSelector('.held');
  await pause(400);
  const held = told.size;
  await pause(2000);
  expect(told.size).toBe(held);
  await page.close();
});

it('what the book does not hold has no price, and says why', async () => {
  const { page, told } = await open('#/cost/binance:BTCUSDT?side=sell&size=900000');
  await page.waitForSelector('.short');
  await pause(400);
  const { dashes, answer } = await compare(page, told);
  expect(dashes).toBeGreaterThanOrEqual(3); // net cost in money and bps, fee
  expect((await shown(page)).fields['net_cost']).toEqual({ text: '–', why: expect.stringMatching(/book/) as string });
  expect(answer['fully_filled']).toBe(false);
  expect(await page.evaluate(audit)).toEqual([]);
  await page.close();
});

it('inputs stand in the address, a link brings them back, and what cannot be asked is said', async () => {
  const { page, told } = await open('#/cost/binance:BTCUSDT?vol=60');
  await page.waitForSelector(READY);
  await page.click('button:has-text("Sell")');
  await page.selectOption('[data-input="kind"]', 'size');
  await page.fill('[data-input="amount"]', '5');
  await page.press('[data-input="amount"]', 'ArrowUp');
  await page.fill('[data-input="horizon"]', '2h');
  await page.selectOption('[data-input="tier"]', 'vip3');
  await page.click('button:has-text("Limit")');
  expect(Number(await page.inputValue('[data-input="limit"]'))).toBeGreaterThan(0);
  await pause(1200);
  const { answer } = await compare(page, told);
  expect(answer).toMatchObject({ side: 'sell', quantity: 10, horizon_seconds: 7200, taker_fee_bps: 6, maker_fee_bps: 4.2 });
  expect(answer['limit']).not.toBeNull();
  const address = page.url();
  const values = (of: Page): Promise<Record<string, string>> =>
    of.$$eval('[data-input]', (all) => Object.fromEntries(all.map((one) => [(one as HTMLElement).dataset['input'], (one as HTMLInputElement).value])));
  const typed = await values(page);

  await page.fill('[data-input="amount"]', '-5');
  await page.waitForSelector('#wrong-amount');
  expect(await page.getAttribute('[data-input="amount"]', 'aria-invalid')).toBe('true');
  expect(await page.evaluate(audit)).toEqual([]);
  await page.close();

  const again = await open(address.slice(address.indexOf('#')));
  await again.page.waitForSelector(READY);
  await again.page.waitForFunction(() => document.querySelectorAll('[data-input="tier"] option').length > 2);
  expect(await values(again.page)).toEqual(typed);
  await again.page.close();
});

it('a tier that the venue does not have is refused in the words of the API', async () => {
  const { page } = await open('#/cost/binance:BTCUSDT?tier=platinum');
  await page.waitForSelector('.problem[role="alert"]');
  expect(await page.textContent('.problem[role="alert"]')).toContain('`platinum` is no fee tier of binance-spot');
  expect(await page.evaluate(audit)).toEqual([]);
  await page.close();
});

it('the venues of the group are compared, the best price with fees in marked', async () => {
  const { page } = await open(ORDER);
  const routes: { quantity: number; saved: number; parts: { id: string; quantity: number }[] }[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/route?') && response.status() === 200) void response.json().then((it) => routes.push(it)).catch(() => undefined);
  });
  await page.waitForSelector('tr.best[data-venue]');
  const rows = await page.$$eval('tr[data-venue]', (all) =>
    all.map((row) => ({ id: (row as HTMLElement).dataset['venue'], best: row.classList.contains('best'), price: row.querySelector('td')?.textContent ?? '' })),
  );
  expect(rows.map((row) => row.id)).toEqual(['binance:BTCUSDT', 'okx:BTC-USDT']);
  const prices = rows.map((row) => number(row.price));
  expect(rows.filter((row) => row.best).map((row) => number(row.price))).toEqual([Math.min(...prices)]);
  // the cheapest split: what is shown is an answer of the API
  await page.waitForSelector('.way b');
  const { saved, shares } = await page.evaluate(() => ({
    saved: Number(document.querySelector<HTMLElement>('.way')!.dataset['saved']),
    shares: [...document.querySelectorAll('tr[data-venue]')].map((row) => row.querySelector('td:nth-last-child(2)')?.textContent ?? ''),
  }));
  await pause(200);
  const way = routes.find((one) => one.saved === saved)!;
  expect(saved).toBeGreaterThan(0);
  way.parts.forEach((part, i) => expect(Math.abs(number(shares[i]!.replace(' %', '')) - (100 * part.quantity) / way.quantity)).toBeLessThan(0.051));
  await page.click('tr[data-venue="okx:BTC-USDT"] button');
  await page.waitForSelector('tr.here[data-venue="okx:BTC-USDT"]');
  expect(page.url()).toContain('#/cost/okx:BTC-USDT?');
  expect(page.url()).toContain('notional=3000000');
  await page.close();
});

it('the ladder marks the rows that the order takes: asks of a purchase, bids of a sale', async () => {
  const { page } = await open(ORDER);
  await page.waitForSelector(READY);
  await pause(700);
  // rows whose left edge has the accent, above and below the middle of the canvas
  const marked = (): Promise<{ above: number; below: number }> =>
    page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('[data-panel="walk"] canvas')!;
      const probe = document.createElement('canvas').getContext('2d')!;
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
      probe.fillRect(0, 0, 1, 1);
      const accent = probe.getImageData(0, 0, 1, 1).data;
      const { data, height } = canvas.getContext('2d')!.getImageData(1, 0, 1, canvas.height);
      const is = (y: number): boolean => [0, 1, 2].every((part) => data[4 * y + part] === accent[part]);
      const all = Array.from({ length: height }, (_, y) => y).filter(is);
      return { above: all.filter((y) => y < height / 2).length, below: all.filter((y) => y > height / 2).length };
    });
  const bought = await marked();
  expect(bought.above).toBeGreaterThan(14);
  expect(bought.below).toBe(0);
  await page.click('button:has-text("Sell")');
  await pause(1500);
  const sold = await marked();
  expect(sold.below).toBeGreaterThan(14);
  expect(sold.above).toBe(0);
  await page.close();
});

it('a click on the frontier sets the risk aversion', async () => {
  const { page } = await open(ORDER);
  await page.waitForSelector('[data-panel="frontier"] canvas');
  await pause(500);
  const box = (await (await page.$('[data-panel="frontier"] canvas'))!.boundingBox())!;
  await page.mouse.click(box.x + box.width * 0.4, box.y + box.height * 0.5);
  await page.waitForFunction(() => (document.querySelector('[data-input="risk"]') as HTMLInputElement).value !== '0.00001');
  expect(Number(await page.inputValue('[data-input="risk"]'))).toBeGreaterThan(0.00001);
  await page.close();
});

it('a row of the ladder is the order that trades through to it', async () => {
  const { page, complaints } = await browser.open(program.address, '#/instrument/binance:BTCUSDT');
  await page.waitForSelector('[data-panel="ladder"] canvas');
  await pause(2500);
  const box = (await (await page.$('[data-panel="ladder"] canvas'))!.boundingBox())!;
  await page.mouse.click(box.x + 40, box.y + box.height / 2 + 60); // a bid: the order sells
  await page.waitForSelector('.notice a');
  expect(await page.textContent('.notice')).toMatch(/^Sell [\d.,]+ BTC \(to [\d.,]+\) is set in the cost view\./);
  await page.keyboard.press('7');
  await page.waitForSelector(READY);
  expect(page.url()).toContain('#/cost/binance:BTCUSDT?');
  expect(page.url()).toContain('side=sell');
  const said = number((await page.inputValue('[data-input="amount"]')) || '0');
  expect(said).toBeGreaterThan(0);
  expect(await page.inputValue('[data-input="kind"]')).toBe('size');
  // the price is kept for a limit order
  await page.click('button:has-text("Limit")');
  expect(Number(await page.inputValue('[data-input="limit"]'))).toBeGreaterThan(1000);
  expect(complaints).toEqual([]);
  await page.close();
});
