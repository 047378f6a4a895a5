// What the page costs while everything moves. Not a test of right or wrong on a shared machine: it prints figures, and only
// a heap that grows fails it. FATHOMETER_MEASURE_MINUTES=10 npm run browser -- measure
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, pause, Program } from './harness';

const minutes = Number(process.env['FATHOMETER_MEASURE_MINUTES'] ?? 0);

describe.skipIf(minutes === 0)('the page under load', () => {
  let program: Program;
  let browser: Browser;
  beforeAll(async () => {
    [program, browser] = await Promise.all([Program.start('demo', '--headless'), Browser.start()]);
  });
  afterAll(async () => {
    await browser?.stop();
    await program?.stop();
  });

  it(
    'heatmap, ladder and charts together',
    async () => {
      const { page, complaints } = await browser.open(program.address, '#/instrument/binance:BTCUSDT');
      await page.waitForSelector('[data-panel]');
      await pause(15_000); // scripts are compiled, the first columns are there
      const session = await page.context().newCDPSession(page);
      await session.send('Performance.enable');
      const read = async (): Promise<Record<string, number>> => Object.fromEntries((await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
      await page.evaluate(() => {
        const told = ((window as unknown as { told: { frames: number; late: number; longest: number } }).told = { frames: 0, late: 0, longest: 0 });
        let last = performance.now();
        const frame = (now: number): void => {
          told.frames += 1;
          if (now - last > 25) told.late += Math.round((now - last) / (1000 / 60)) - 1;
          told.longest = Math.max(told.longest, now - last);
          last = now;
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      });
      const heaps: number[] = [];
      const begin = await read();
      const start = Date.now();
      while (Date.now() - start < minutes * 60_000) {
        await pause(10_000);
        await session.send('HeapProfiler.collectGarbage');
        heaps.push((await read())['JSHeapUsedSize'] ?? 0);
      }
      const end = await read();
      const seconds = (Date.now() - start) / 1000;
      const per = (name: string): number => (1000 * ((end[name] ?? 0) - (begin[name] ?? 0))) / seconds;
      const { frames, late, longest } = await page.evaluate(() => (window as unknown as { told: { frames: number; late: number; longest: number } }).told);
      const third = Math.max(1, Math.floor(heaps.length / 3));
      const mean = (part: number[]): number => part.reduce((sum, heap) => sum + heap, 0) / part.length / 1e6;
      const figures = {
        seconds: Math.round(seconds),
        frames_per_second: +(frames / seconds).toFixed(1),
        frames_dropped: late,
        longest_frame_ms: Math.round(longest),
        main_thread_ms_per_s: +per('TaskDuration').toFixed(1),
        script_ms_per_s: +per('ScriptDuration').toFixed(1),
        layout_ms_per_s: +(per('LayoutDuration') + per('RecalcStyleDuration')).toFixed(2),
        heap_mb_first_third: +mean(heaps.slice(0, third)).toFixed(2),
        heap_mb_last_third: +mean(heaps.slice(-third)).toFixed(2),
      };
      console.log(JSON.stringify(figures));
      await page.keyboard.press('3');
      await page.waitForSelector('.card.own .median');
      await pause(2500);
      console.log((await page.textContent('.card.own'))?.trim());
      expect(complaints).toEqual([]);
      // heatmap columns are kept for half an hour: about a kilobyte each, four a second
      expect(figures.heap_mb_last_third - figures.heap_mb_first_third).toBeLessThan(2 + minutes * 0.5);
    },
    (minutes + 3) * 60_000,
  );
});
