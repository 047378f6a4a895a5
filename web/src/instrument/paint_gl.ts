// The heatmap in WebGL2: two ring textures of columns, a rectangle per column that knows its own rows, a rectangle per mark of trades; no instancing, which software renderers draw one by one.

import { HEAT_FRAGMENT, HEAT_VERTEX, LINE_FRAGMENT, LINE_VERTEX, MARK_FRAGMENT, MARK_VERTEX } from './shaders';
import { MARK, type Marks } from './marks';
import { cloudFor, COARSE_FROM, MARKS_WIDE, type Drawn, type Inks, type Look, type Painter } from './painter';
import { SHADES } from './palette';
import { ROWS, type Relief } from './relief';
import type { View } from './view';

interface Ring {
  relief: Relief;
  data: WebGLTexture;
  /** Lowest price above the origin, rows, row height, column number above the base. */
  meta: WebGLTexture;
  /** Best bid and ask above the origin. */
  touch: WebGLTexture;
}

/** What is drawn, and how prices fall on pixels: lowest price, pixels per price, height. */
interface Pass {
  kind: 'heat' | 'doubt' | 'lines';
  low: number;
  perPrice: number;
  height: number;
}

interface Cloud {
  marks: Marks;
  texture: WebGLTexture;
}

const FAR = 1e30;
/** Places of the table from size to colour. */
const TABLE = 2048;
/** Rows at least this tall, device pixels, are drawn once each and then stretched. */
const STRETCH_FROM = 2;
/** Columns after which the base moves, so that column numbers stay exact in single precision. */
const REBASE_COLUMNS = 1 << 18;

export class GlPainter implements Painter {
  readonly kind = 'webgl2';
  readonly #gl: WebGL2RenderingContext;
  readonly #drawn: Drawn;
  #heat!: Program;
  #lines!: Program;
  #dots!: Program;
  #fine!: Ring;
  #coarse!: Ring;
  #clouds: Cloud[] = [];
  #lut!: WebGLTexture;
  #palette: Uint8Array | null = null;
  #inks: Inks | null = null;
  #baseMs = -1;
  #origin = 0;
  readonly #meta = new Float32Array(4);
  readonly #touch = new Float32Array(2);
  #lost = false;
  #tableGamma = NaN;
  #aside: WebGLFramebuffer | null = null;
  #asideInk: WebGLRenderbuffer | null = null;
  #asideWidth = 0;
  #asideHeight = 0;
  readonly #onLost = (event: Event): void => {
    event.preventDefault();
    this.#lost = true;
  };
  readonly #onRestored = (): void => {
    this.#lost = false;
    this.#make();
    this.#tableGamma = NaN;
    this.reload();
  };

  /** Throws if the browser has no WebGL2. */
  constructor(canvas: HTMLCanvasElement, drawn: Drawn) {
    const gl = canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false, desynchronized: false });
    if (!gl) throw new Error('this browser has no WebGL2');
    this.#gl = gl;
    this.#drawn = drawn;
    this.#make();
    canvas.addEventListener('webglcontextlost', this.#onLost);
    canvas.addEventListener('webglcontextrestored', this.#onRestored);
  }

  #make(): void {
    const gl = this.#gl;
    this.#aside = null;
    this.#asideInk = null;
    this.#asideWidth = 0;
    this.#asideHeight = 0;
    this.#heat = new Program(gl, HEAT_VERTEX, HEAT_FRAGMENT);
    this.#lines = new Program(gl, LINE_VERTEX, LINE_FRAGMENT);
    this.#dots = new Program(gl, MARK_VERTEX, MARK_FRAGMENT);
    this.#fine = this.#ring(this.#drawn.reliefs.fine);
    this.#coarse = this.#ring(this.#drawn.reliefs.coarse);
    this.#lut = texture(gl);
    this.#clouds = this.#drawn.marks.map((marks) => this.#cloud(marks));
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  #ring(relief: Relief): Ring {
    const gl = this.#gl;
    const data = texture(gl);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R32F, ROWS, relief.columns);
    const meta = texture(gl);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, 1, relief.columns);
    const touch = texture(gl);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RG32F, 1, relief.columns);
    return { relief, data, meta, touch };
  }

  #cloud(marks: Marks): Cloud {
    const gl = this.#gl;
    const made = texture(gl);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, MARKS_WIDE, marks.capacity / MARKS_WIDE);
    marks.dirtyFrom = Math.max(0, marks.made - marks.capacity);
    return { marks, texture: made };
  }

  theme(palette: Uint8Array, inks: Inks): void {
    this.#palette = palette;
    this.#inks = inks;
    this.#tableGamma = NaN;
  }

  /** The table from size to colour: the exponent is applied here once, not in every pixel. */
  #table(gamma: number): void {
    if (gamma === this.#tableGamma || !this.#palette) return;
    this.#tableGamma = gamma;
    const gl = this.#gl;
    const table = new Uint8Array(TABLE * 4);
    for (let i = 0; i < TABLE; i += 1) {
      const shade = Math.round((i / (TABLE - 1)) ** gamma * (SHADES - 1));
      table.set(this.#palette.subarray(shade * 4, shade * 4 + 4), i * 4);
    }
    gl.bindTexture(gl.TEXTURE_2D, this.#lut);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, TABLE, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
  }

  column(level: 'fine' | 'coarse', slot: number): void {
    if (this.#lost) return;
    const ring = level === 'fine' ? this.#fine : this.#coarse;
    const { relief } = ring;
    if (this.#baseMs < 0) this.#rebase(relief, slot);
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, ring.data);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, slot, ROWS, 1, gl.RED, gl.FLOAT, relief.sizes, slot * ROWS);
    this.#describe(relief, slot, this.#meta, this.#touch, 0);
    gl.bindTexture(gl.TEXTURE_2D, ring.meta);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, slot, 1, 1, gl.RGBA, gl.FLOAT, this.#meta);
    gl.bindTexture(gl.TEXTURE_2D, ring.touch);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, slot, 1, 1, gl.RG, gl.FLOAT, this.#touch);
  }

  #describe(relief: Relief, slot: number, meta: Float32Array, touch: Float32Array, i: number): void {
    const there = relief.stamp[slot]! >= 0;
    meta[i * 4] = there ? relief.bottom[slot]! - this.#origin : 0;
    meta[i * 4 + 1] = there ? relief.rows[slot]! : 0;
    meta[i * 4 + 2] = there ? relief.width[slot]! : 1;
    meta[i * 4 + 3] = there ? relief.stamp[slot]! - this.#baseMs / relief.stepMs : -1;
    const bid = relief.bid[slot]! - this.#origin;
    const ask = relief.ask[slot]! - this.#origin;
    touch[i * 2] = Number.isFinite(bid) ? bid : -FAR;
    touch[i * 2 + 1] = Number.isFinite(ask) ? ask : FAR;
  }

  #rebase(relief: Relief, slot: number): void {
    const ms = relief.stamp[slot]! * relief.stepMs;
    this.#baseMs = Math.floor(ms / 3600_000) * 3600_000 - 4 * 3600_000;
    const bid = relief.bid[slot]!;
    this.#origin = Number.isFinite(bid) ? bid : relief.bottom[slot]!;
  }

  reload(): void {
    if (this.#lost) return;
    this.#baseMs = -1;
    for (const ring of [this.#coarse, this.#fine]) {
      const slot = ring.relief.newestSlot();
      if (slot >= 0) this.#rebase(ring.relief, slot);
    }
    const gl = this.#gl;
    for (const { relief, data, meta, touch } of [this.#fine, this.#coarse]) {
      gl.bindTexture(gl.TEXTURE_2D, data);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, ROWS, relief.columns, gl.RED, gl.FLOAT, relief.sizes);
      const metas = new Float32Array(relief.columns * 4);
      const touches = new Float32Array(relief.columns * 2);
      for (let slot = 0; slot < relief.columns; slot += 1) this.#describe(relief, slot, metas, touches, slot);
      gl.bindTexture(gl.TEXTURE_2D, meta);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 1, relief.columns, gl.RGBA, gl.FLOAT, metas);
      gl.bindTexture(gl.TEXTURE_2D, touch);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 1, relief.columns, gl.RG, gl.FLOAT, touches);
    }
    for (const { marks } of this.#clouds) marks.dirtyFrom = Math.max(0, marks.made - marks.capacity);
  }

  draw(view: View, look: Look): void {
    const gl = this.#gl;
    if (this.#lost || !this.#inks) return;
    const width = gl.drawingBufferWidth;
    const height = gl.drawingBufferHeight;
    gl.viewport(0, 0, width, height);
    if (this.#baseMs < 0) {
      const [r, g, b] = this.#inks.ground;
      gl.clearColor(r, g, b, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
      return;
    }
    const startMs = view.endMs - view.spanMs;
    if ((startMs - this.#baseMs) / this.#fine.relief.stepMs > REBASE_COLUMNS) this.reload();
    const { ground } = this.#inks;
    this.#table(look.gamma);
    gl.disable(gl.BLEND);
    gl.clearColor(ground[0], ground[1], ground[2], 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    // The coarse past up to where the fine columns begin, then those; all coarse where fine ones would be thinner than pixels.
    const { fine } = this.#drawn.reliefs;
    const dense = view.spanMs / width / fine.stepMs >= COARSE_FROM;
    const oldest = fine.newest < 0 ? Infinity : Math.max(fine.oldest, fine.newest - fine.columns + 1) * fine.stepMs;
    const from = dense ? Infinity : Math.ceil(oldest / 1000) * 1000;
    const coarseTo = Math.min(view.endMs, from);
    const fineFrom = Math.max(startMs, from);
    const both = (pass: Pass): void => {
      this.#columns(this.#coarse, view, look, startMs, coarseTo, pass);
      this.#columns(this.#fine, view, look, fineFrom, view.endMs, pass);
    };
    const row = this.#rowInView(startMs, coarseTo, fineFrom, view.endMs);
    const tall = (row / (view.high - view.low)) * height;
    if (tall >= STRETCH_FROM) this.#stretched(view, row, width, height, both);
    else both({ kind: 'heat', low: view.low, perPrice: height / (view.high - view.low), height });
    const whole = { low: view.low, perPrice: height / (view.high - view.low), height };
    both({ kind: 'doubt', ...whole });
    if (look.lines) both({ kind: 'lines', ...whole });
    if (look.marks) this.#drawMarks(view, look, width, height);
  }

  /** Height of all rows in view, if they are the same; 0 if not. */
  #rowInView(coarseFrom: number, coarseTo: number, fineFrom: number, fineTo: number): number {
    const { fine, coarse } = this.#drawn.reliefs;
    const same = (relief: Relief, fromMs: number, toMs: number): boolean =>
      toMs <= fromMs || Math.floor(fromMs / relief.stepMs) >= relief.widthSince || relief.widthSince <= relief.oldest;
    if (!same(coarse, coarseFrom, coarseTo) || !same(fine, fineFrom, fineTo)) return 0;
    if (coarseTo > coarseFrom && fineTo > fineFrom && fine.rowWidth !== coarse.rowWidth) return 0;
    return fineTo > fineFrom ? fine.rowWidth : coarse.rowWidth || 0;
  }

  /** Draws one pixel per row aside, then stretches: a pixel's colour is worked out once, not once per line it covers. */
  #stretched(view: View, row: number, width: number, height: number, both: (pass: Pass) => void): void {
    const gl = this.#gl;
    const first = Math.floor(view.low / row);
    const lines = Math.ceil(view.high / row) - first;
    if (!this.#aside || this.#asideWidth < width || this.#asideHeight < lines) {
      this.#asideWidth = Math.max(width, this.#asideWidth);
      this.#asideHeight = Math.max(lines, this.#asideHeight, 64);
      this.#aside ??= gl.createFramebuffer();
      this.#asideInk ??= gl.createRenderbuffer();
      gl.bindRenderbuffer(gl.RENDERBUFFER, this.#asideInk);
      gl.renderbufferStorage(gl.RENDERBUFFER, gl.RGBA8, this.#asideWidth, this.#asideHeight);
      gl.bindFramebuffer(gl.FRAMEBUFFER, this.#aside);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, this.#asideInk);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#aside);
    gl.viewport(0, 0, width, lines);
    gl.clear(gl.COLOR_BUFFER_BIT);
    both({ kind: 'heat', low: first * row, perPrice: 1 / row, height: lines });
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.#aside);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
    const perPrice = height / (view.high - view.low);
    const bottom = Math.round((first * row - view.low) * perPrice);
    const top = Math.round(((first + lines) * row - view.low) * perPrice);
    gl.blitFramebuffer(0, 0, width, lines, 0, bottom, width, top, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
  }

  #columns(ring: Ring, view: View, look: Look, fromMs: number, toMs: number, pass: Pass): void {
    if (!(toMs > fromMs)) return;
    const gl = this.#gl;
    const { relief } = ring;
    const { stepMs, columns } = relief;
    const lines = pass.kind === 'lines';
    const width = gl.drawingBufferWidth;
    const base = this.#baseMs / stepMs;
    const first = Math.max(0, Math.floor(fromMs / stepMs) - base);
    const count = Math.min(columns, Math.ceil(toMs / stepMs) - base - first);
    if (count <= 0) return;
    const program = (lines ? this.#lines : this.#heat).use();
    bind(gl, 0, ring.meta, program.at('meta'));
    gl.uniform1i(program.at('first'), first);
    gl.uniform1i(program.at('shift'), base % columns);
    gl.uniform1i(program.at('columns'), columns);
    gl.uniform2f(program.at('time'), (view.endMs - view.spanMs) / stepMs - base, (width * stepMs) / view.spanMs);
    gl.uniform2f(program.at('price'), pass.low - this.#origin, pass.perPrice);
    gl.uniform2f(program.at('resolution'), width, pass.height);
    inks(gl, program, this.#inks!);
    if (lines) {
      bind(gl, 1, ring.touch, program.at('touch'));
      gl.uniform1f(program.at('thick'), Math.max(1, Math.round(look.ratio * 1.4)));
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      for (let stroke = 0; stroke < 4; stroke += 1) {
        gl.uniform1f(program.at('grow'), stroke < 2 ? look.ratio : 0);
        gl.uniform1f(program.at('rimAlpha'), stroke < 2 ? 0.6 : 0);
        gl.uniform1i(program.at('upright'), stroke % 2);
        gl.drawArrays(gl.TRIANGLES, 0, count * 12);
      }
      gl.disable(gl.BLEND);
      return;
    }
    bind(gl, 1, ring.data, program.at('data'));
    bind(gl, 2, this.#lut, program.at('lut'));
    gl.uniform1i(program.at('doubted'), pass.kind === 'doubt' ? 1 : 0);
    gl.uniform2f(program.at('scale'), look.floor, (TABLE - 1) / Math.max(1e-12, look.clip - look.floor));
    gl.uniform1f(program.at('shades'), TABLE - 1);
    gl.uniform1f(program.at('stripe'), Math.max(1, look.ratio));
    gl.drawArrays(gl.TRIANGLES, 0, count * 6);
  }

  #drawMarks(view: View, look: Look, width: number, height: number): void {
    const gl = this.#gl;
    const cloud = this.#clouds[cloudFor(this.#drawn.marks, view.spanMs, width / look.ratio)]!;
    const { marks } = cloud;
    const { bucketMs } = marks;
    const start = (view.endMs - view.spanMs) / bucketMs - marks.base;
    const margin = (look.markRadius * 2 * view.spanMs) / width / bucketMs;
    const from = marks.from(start - margin);
    const count = marks.from(view.endMs / bucketMs - marks.base + margin) - from;
    if (count <= 0) return;
    this.#upload(cloud);
    const dots = this.#dots.use();
    bind(gl, 0, cloud.texture, dots.at('marks'));
    gl.uniform1i(dots.at('first'), from % marks.capacity);
    gl.uniform1i(dots.at('capacity'), marks.capacity);
    gl.uniform2f(dots.at('time'), start, bucketMs / view.spanMs);
    gl.uniform2f(dots.at('price'), view.low - marks.origin, 1 / (view.high - view.low));
    gl.uniform2f(dots.at('resolution'), width, height);
    gl.uniform2f(dots.at('radius'), look.markRadius, Math.max(look.markSize, 1e-12));
    inks(gl, dots, this.#inks!);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.drawArrays(gl.TRIANGLES, 0, count * 6);
  }

  /** The rows of the texture that hold changed marks. */
  #upload({ marks, texture: made }: Cloud): void {
    if (marks.dirtyFrom >= marks.made) return;
    const gl = this.#gl;
    const { capacity } = marks;
    const first = Math.floor(Math.max(marks.dirtyFrom, marks.made - capacity) / MARKS_WIDE);
    const last = Math.floor((marks.made - 1) / MARKS_WIDE);
    const rows = capacity / MARKS_WIDE;
    gl.bindTexture(gl.TEXTURE_2D, made);
    for (let row = first; row <= last; row += 1) {
      const at = row % rows;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, at, MARKS_WIDE, 1, gl.RGBA, gl.FLOAT, marks.data, at * MARKS_WIDE * MARK);
    }
    marks.dirtyFrom = marks.made;
  }

  destroy(): void {
    const { canvas } = this.#gl;
    canvas.removeEventListener('webglcontextlost', this.#onLost);
    canvas.removeEventListener('webglcontextrestored', this.#onRestored);
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

function inks(gl: WebGL2RenderingContext, program: Program, { bid, ask, ground, hatch, rim }: Inks): void {
  gl.uniform3f(program.at('bidInk'), bid[0], bid[1], bid[2]);
  gl.uniform3f(program.at('askInk'), ask[0], ask[1], ask[2]);
  gl.uniform3f(program.at('ground'), ground[0], ground[1], ground[2]);
  gl.uniform3f(program.at('hatch'), hatch[0], hatch[1], hatch[2]);
  gl.uniform3f(program.at('rim'), rim[0], rim[1], rim[2]);
}

function texture(gl: WebGL2RenderingContext): WebGLTexture {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  return made;
}

function bind(gl: WebGL2RenderingContext, unit: number, what: WebGLTexture, at: WebGLUniformLocation | null): void {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, what);
  gl.uniform1i(at, unit);
}

/** A linked program that remembers where its uniforms are. */
class Program {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  readonly #places = new Map<string, WebGLUniformLocation | null>();

  constructor(gl: WebGL2RenderingContext, vertex: string, fragment: string) {
    this.#gl = gl;
    this.#program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const) {
      const shader = gl.createShader(kind)!;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
    }
    gl.linkProgram(this.#program);
    if (!gl.getProgramParameter(this.#program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`the heatmap's shader does not link: ${gl.getProgramInfoLog(this.#program) ?? ''}`);
    }
  }

  use(): this {
    this.#gl.useProgram(this.#program);
    return this;
  }

  at(name: string): WebGLUniformLocation | null {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = this.#gl.getUniformLocation(this.#program, name);
      this.#places.set(name, place);
    }
    return place;
  }
}
