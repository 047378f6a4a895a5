// Measures the instrument view in a browser: cost per picture of each drawer, frames per second, main-thread work,
// heap over time, receive-to-pixel. Use: node tests/perf.mjs URL [SECONDS] [--view PATH]; prints one JSON object.
//
//   fathometer demo --no-tui &        node tests/perf.mjs http://127.0.0.1:8050 600
//
// CHROMIUM names the browser (default /usr/bin/chromium); it draws with software GL, so figures are worst case.
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:8050', seconds = '60', ...rest] = process.argv.slice(2);
const path = rest[0] === '--view' ? rest[1] : '#/instrument';
const total = Number(seconds);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-gpu-compositing', '--enable-precise-memory-info', '--js-flags=--expose-gc'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const errors = [];
page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
page.on('pageerror', (error) => errors.push(error.message));
const opened = Date.now();
await page.goto(`${url}/${path}`);
await page.waitForFunction(() => (window.fathometer?.aged ?? 0) > 0, null, { timeout: 60_000 });
const firstNumberMs = Date.now() - opened;
await page.waitForTimeout(5_000);

const session = await page.context().newCDPSession(page);
await session.send('Performance.enable');
const counters = async () => {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { task: of('TaskDuration'), script: of('ScriptDuration'), layout: of('LayoutDuration') + of('RecalcStyleDuration'), at: of('Timestamp') };
};
const costs = () => page.evaluate(() => JSON.parse(JSON.stringify(window.fathometer.costs)));
const heap = async () => {
  await session.send('HeapProfiler.collectGarbage');
  return page.evaluate(() => performance.memory.usedJSHeapSize / 1e6);
};

// Frames are counted in the page; a frame is late when it comes more than one and a half periods after the one before.
await page.evaluate(() => {
  const frames = (window.frames_ = { count: 0, late: 0, longest: 0 });
  let before = performance.now();
  const tick = (now) => {
    frames.count += 1;
    const took = now - before;
    if (took > 25) frames.late += 1;
    if (took > frames.longest) frames.longest = took;
    before = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
});
const start = { counters: await counters(), costs: await costs(), frames: await page.evaluate(() => ({ ...window.frames_ })), heap: await heap(), aged: await page.evaluate(() => window.fathometer.aged) };
const heaps = [round(start.heap)];
const steps = Math.max(1, Math.min(20, Math.floor(total / 15)));
for (let step = 0; step < steps; step += 1) {
  await page.waitForTimeout((total * 1000) / steps);
  heaps.push(round(await heap()));
}
const end = { counters: await counters(), costs: await costs(), frames: await page.evaluate(() => ({ ...window.frames_ })) };
const ages = await page.evaluate((from) => {
  const { ages, aged } = window.fathometer;
  const count = Math.min(ages.length, aged - from);
  return Array.from({ length: count }, (_, i) => ages[(aged - 1 - i) % ages.length]);
}, start.aged);
// What one picture costs the GPU (here: software): CPU time of its process over many pictures drawn in one task, which a
// busy machine does not distort, and the wall time of the quickest.
const whole = await browser.newBrowserCDPSession();
const gpuSeconds = async () => (await whole.send('SystemInfo.getProcessInfo')).processInfo.find((one) => one.type === 'GPU')?.cpuTime ?? 0;
const PICTURES = 40;
const gpuBefore = await gpuSeconds();
const gpu = await page.evaluate((pictures) => {
  const canvas = document.querySelector('canvas.heat');
  const gl = canvas?.getContext('webgl2');
  if (!gl) return null;
  const pixel = new Uint8Array(4);
  let best = Infinity;
  for (let i = 0; i < pictures; i += 1) {
    const from = performance.now();
    window.fathometer.redrawHeat();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    best = Math.min(best, performance.now() - from);
  }
  return { width: canvas.width, height: canvas.height, best_ms: best };
}, PICTURES);
if (gpu) gpu.gpu_cpu_ms_each = round(((await gpuSeconds()) - gpuBefore) / PICTURES * 1000);
const span = end.counters.at - start.counters.at;
const perPicture = {};
for (const [name, cost] of Object.entries(end.costs)) {
  const before = start.costs[name] ?? { drawn: 0, ms: 0 };
  const drawn = cost.drawn - before.drawn;
  perPicture[name] = { per_second: round(drawn / span), ms_each: drawn > 0 ? round((cost.ms - before.ms) / drawn) : null, ms_per_second: round((cost.ms - before.ms) / span) };
}
ages.sort((a, b) => a - b);
const at = (share) => (ages.length > 0 ? round(ages[Math.min(ages.length - 1, Math.floor(ages.length * share))]) : null);
console.log(JSON.stringify({
  seconds: round(span),
  first_number_ms: firstNumberMs,
  frames_per_second: round((end.frames.count - start.frames.count) / span),
  late_frames_share: round((end.frames.late - start.frames.late) / Math.max(1, end.frames.count - start.frames.count)),
  longest_frame_ms: round(end.frames.longest),
  main_thread_ms_per_second: { all: round(((end.counters.task - start.counters.task) / span) * 1000), script: round(((end.counters.script - start.counters.script) / span) * 1000), style_and_layout: round(((end.counters.layout - start.counters.layout) / span) * 1000) },
  heap_mb: heaps,
  receive_to_pixel_ms: { count: ages.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) },
  drawers: perPicture,
  heatmap_with_gpu: gpu,
  errors,
}, null, 2));
await browser.close();

function round(value) {
  return Math.round(value * 1000) / 1000;
}
