// Starts the program and a browser for the tests.
//
// FATHOMETER_BIN       the program, built with its page (default target/release/fathometer)
// CHROMIUM             the browser (default chromium, as Debian has it)
// FATHOMETER_SHOTS     1: writes the pictures of docs/screenshots anew
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = process.env['FATHOMETER_BIN'] ?? join(ROOT, 'target/release/fathometer');
const BROWSER = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const SHOTS = process.env['FATHOMETER_SHOTS'] === '1' ? join(ROOT, 'docs/screenshots') : null;

/** Pictures are compared by people, so they are taken at two sizes and in both themes. */
export const SIZES = [
  { name: '1440x900', width: 1440, height: 900 },
  { name: '390x844', width: 390, height: 844 },
] as const;
export const THEMES = ['dark', 'light'] as const;

/** The program, serving at a port of its own. */
export class Program {
  private child: ChildProcess | null = null;
  private output = '';

  private constructor(readonly port: number, private readonly args: string[]) {}

  /** Starts `fathometer <args>` and waits until it answers. */
  static async start(...args: string[]): Promise<Program> {
    const program = new Program(await freePort(), args);
    await program.again();
    return program;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it once more at the same port. */
  async again(): Promise<void> {
    if (!existsSync(PROGRAM)) throw new Error(`there is no ${PROGRAM}; build it first: cargo build --release (or set FATHOMETER_BIN)`);
    const child = spawn(PROGRAM, [...this.args, '--listen', `127.0.0.1:${this.port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.on('data', (data: Buffer) => (this.output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (this.output += data.toString()));
    const until = Date.now() + 60_000;
    while (Date.now() < until) {
      if (child.exitCode !== null) break;
      const answer = await fetch(`${this.address}/health`).catch(() => null);
      // a replay stands at its beginning, where no book is valid yet
      if (answer?.ok && (this.args[0] === 'replay' || ((await answer.json()) as { status: string }).status === 'ok')) return;
      await pause(200);
    }
    throw new Error(`fathometer ${this.args.join(' ')} does not answer:\n${this.output.slice(-3000)}`);
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.address}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Asks for something to be done. */
  async post<T>(path: string, body: unknown): Promise<T> {
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const answer = await fetch(`${this.address}${path}`, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Ends it and waits until it has. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(late);
  }
}

/** A browser with a profile of its own that is removed afterwards. */
export class Browser {
  private constructor(private readonly context: BrowserContext, private readonly profile: string) {}

  static async start(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'fathometer-browser-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: BROWSER,
      headless: true,
      args: [
        '--headless=new', '--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-quic',
        // Without a GPU a browser puts the page together in software; made to do that with GL calls in software, it spends 100 ms a picture.
        '--disable-gpu-compositing',
        '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ],
    });
    return new Browser(context, profile);
  }

  /** Opens the page. Whatever the console says as an error or a warning is kept in `complaints`. */
  async open(address: string, hash = '', { width = 1440, height = 900, theme = 'dark' } = {}): Promise<Opened> {
    const page = await this.context.newPage();
    const complaints: string[] = [];
    const strangers: string[] = [];
    page.on('console', (message) => {
      if (message.text().includes('GL Driver Message')) return; // of the software renderer, about pictures being taken
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`thrown: ${error.message}`));
    page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(address).host && !/^(data|blob):/.test(request.url())) strangers.push(request.url());
    });
    await page.setViewportSize({ width, height });
    await page.goto(`${address}/?theme=${theme}${hash}`);
    return { page, complaints, strangers };
  }

  async stop(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

/** A page and what it complained of. */
export interface Opened {
  page: Page;
  complaints: string[];
  /** Requests to any other host. */
  strangers: string[];
}

/** Takes a picture, if pictures are wanted. */
export async function shot(page: Page, name: string): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Real recordings, where there are some: FATHOMETER_REALDATA, or beside the repository. */
export function realData(): string | null {
  const folder = process.env['FATHOMETER_REALDATA'] ?? resolve(ROOT, '../shared/realdata');
  return existsSync(folder) ? folder : null;
}

/** A number as the page writes it. */
export function number(text: string): number {
  return Number(text.replaceAll(',', '').replace('−', '-').replace('+', ''));
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? done(address.port) : failed(new Error('no port'))));
    });
  });
}
