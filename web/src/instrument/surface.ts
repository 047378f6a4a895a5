// The liquidity surface: time x price x size as a landscape. Loaded only when it is looked at, with three.js.

import {
  BufferAttribute, BufferGeometry, Color, DataTexture, DoubleSide, FloatType, GLSL3, Line, LineBasicMaterial, LineSegments, Mesh,
  NearestFilter, PerspectiveCamera, PlaneGeometry, RawShaderMaterial, RedFormat, RGBAFormat, Scene as World, UnsignedByteType,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';
import type { HeatFeed } from './feed';
import { theme, type Theme } from './inks';
import { SHADES } from './palette';
import { largest } from './paint_2d';
import type { View } from './view';

/** Columns in time and rows in price of the landscape. */
const COLUMNS = 150;
const LANES = 120;
/** Its size in the world: time, price, height. */
const LONG = 3.2;
const WIDE = 2;
const TALL = 0.75;
/** Drawn at most this often while nothing is turned. */
const REDRAW_MS = 400;

const VERTEX = `
precision highp float;
uniform mat4 modelViewMatrix, projectionMatrix;
uniform sampler2D sizes;
in vec3 position;
in vec2 uv;
out float share;
out float shade;
void main() {
  vec2 step_ = vec2(1.0 / ${COLUMNS}.0, 1.0 / ${LANES}.0);
  share = texture(sizes, uv).r;
  float before = texture(sizes, uv - vec2(0.0, step_.y)).r;
  float after = texture(sizes, uv + vec2(0.0, step_.y)).r;
  // light falls across the price axis: slopes towards it are brighter
  shade = clamp(0.86 + 0.6 * (before - after), 0.55, 1.2);
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position.x, share * ${TALL.toFixed(2)}, position.z, 1.0);
}`;
const FRAGMENT = `
precision highp float;
uniform sampler2D map;
in float share;
in float shade;
out vec4 ink;
void main() {
  vec3 colour = texture(map, vec2((clamp(share, 0.0, 1.0) * ${SHADES - 1}.0 + 0.5) / ${SHADES}.0, 0.5)).rgb;
  ink = vec4(colour * shade, 1.0);
}`;

export class Surface {
  readonly cost = { drawn: 0, ms: 0 };
  readonly #renderer: WebGLRenderer;
  readonly #world = new World();
  readonly #camera = new PerspectiveCamera(38, 1, 0.1, 40);
  readonly #controls: OrbitControls;
  readonly #sizes = new Float32Array(COLUMNS * LANES);
  readonly #texture: DataTexture;
  readonly #map: DataTexture;
  readonly #material: RawShaderMaterial;
  readonly #mid: Line;
  readonly #midPoints = new Float32Array(COLUMNS * 3);
  readonly #frame: LineSegments;
  #theme: Theme | null = null;
  #width = 0;
  #at = 0;
  #seen = -1;
  #turned = true;

  constructor(canvas: HTMLCanvasElement) {
    this.#renderer = new WebGLRenderer({ canvas, antialias: true });
    this.#texture = new DataTexture(this.#sizes, COLUMNS, LANES, RedFormat, FloatType);
    this.#texture.minFilter = NearestFilter;
    this.#texture.magFilter = NearestFilter;
    this.#map = new DataTexture(new Uint8Array(SHADES * 4), SHADES, 1, RGBAFormat, UnsignedByteType);
    this.#material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { sizes: { value: this.#texture }, map: { value: this.#map } },
      side: DoubleSide,
    });
    const plane = new PlaneGeometry(LONG, WIDE, COLUMNS - 1, LANES - 1);
    plane.rotateX(-Math.PI / 2);
    const ground = new Mesh(plane, this.#material);
    ground.frustumCulled = false;
    this.#world.add(ground);
    const line = new BufferGeometry();
    line.setAttribute('position', new BufferAttribute(this.#midPoints, 3));
    this.#mid = new Line(line, new LineBasicMaterial());
    this.#mid.frustumCulled = false;
    this.#world.add(this.#mid);
    this.#frame = new LineSegments(edges(), new LineBasicMaterial());
    this.#world.add(this.#frame);
    this.#camera.position.set(0.7, 1.75, 2.75);
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.target.set(0, 0.12, 0);
    this.#controls.maxPolarAngle = Math.PI * 0.49;
    this.#controls.minDistance = 1;
    this.#controls.maxDistance = 7;
    this.#controls.update();
    this.#controls.addEventListener('change', () => (this.#turned = true));
  }

  size(width: number, height: number, ratio: number): void {
    if (width < 2 || height < 2) return;
    this.#width = width;
    this.#renderer.setPixelRatio(Math.min(2, ratio));
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    // a narrow canvas is looked at from further away, so that the whole landscape stays in it
    this.#camera.zoom = Math.min(1, this.#camera.aspect / 1.5);
    this.#camera.updateProjectionMatrix();
    this.#turned = true;
  }

  /** Shows the same window as the heatmap. */
  draw(feed: HeatFeed, view: View, clip: number): void {
    if (this.#width === 0) return;
    const start = performance.now();
    const now = theme();
    const themed = now !== this.#theme;
    const due = (feed.changes + view.changes !== this.#seen && start - this.#at > REDRAW_MS) || themed;
    if (!due && !this.#turned) return;
    if (themed) this.#dress(now);
    if (due) {
      this.#seen = feed.changes + view.changes;
      this.#at = start;
      this.#fill(feed, view, clip);
    }
    this.#turned = false;
    this.#renderer.render(this.#world, this.#camera);
    this.cost.drawn += 1;
    this.cost.ms += performance.now() - start;
  }

  #dress(now: Theme): void {
    this.#theme = now;
    (this.#map.image.data as Uint8Array).set(now.map);
    this.#map.needsUpdate = true;
    this.#world.background = new Color(now.panel);
    (this.#mid.material as LineBasicMaterial).color = new Color(now.ask);
    (this.#frame.material as LineBasicMaterial).color = new Color(now.lineStrong);
  }

  #fill(feed: HeatFeed, view: View, share: number): void {
    const clip = feed.sizes.at(share) || 1;
    const step = view.spanMs / COLUMNS;
    const lane = (view.high - view.low) / LANES;
    let last = 0;
    for (let c = 0; c < COLUMNS; c += 1) {
      const found = feed.reliefs.find(view.endMs - view.spanMs + (c + 0.5) * step);
      const known = found !== null && found.relief.rows[found.slot]! > 0;
      for (let l = 0; l < LANES; l += 1) {
        const low = view.low + l * lane;
        const size = known ? Math.max(0, largest(found.relief, found.slot, low, low + lane)) : 0;
        // the texture's first row is the far edge of the plane: the highest price
        this.#sizes[l * COLUMNS + c] = Math.min(1.25, (size / clip) ** 0.7);
      }
      const mid = known ? (found.relief.bid[found.slot]! + found.relief.ask[found.slot]!) / 2 : NaN;
      const at = Number.isFinite(mid) ? (mid - view.low) / (view.high - view.low) : last;
      last = at;
      this.#midPoints[c * 3] = ((c + 0.5) / COLUMNS - 0.5) * LONG;
      this.#midPoints[c * 3 + 1] = 0.03;
      this.#midPoints[c * 3 + 2] = (0.5 - Math.min(1, Math.max(0, at))) * WIDE;
    }
    this.#texture.needsUpdate = true;
    (this.#mid.geometry.getAttribute('position') as BufferAttribute).needsUpdate = true;
  }

  destroy(): void {
    this.#controls.dispose();
    this.#texture.dispose();
    this.#map.dispose();
    this.#material.dispose();
    this.#renderer.dispose();
    this.#renderer.forceContextLoss();
  }
}

/** The floor's outline and the corner that carries the heights. */
function edges(): BufferGeometry {
  const [x, z] = [LONG / 2, WIDE / 2];
  const floor: [number, number, number][] = [[-x, 0, z], [x, 0, z], [x, 0, -z], [-x, 0, -z]];
  const points: number[] = [];
  floor.forEach((from, i) => points.push(...from, ...floor[(i + 1) % 4]!));
  points.push(-x, 0, -z, -x, TALL, -z, -x, TALL, -z, x, TALL, -z, x, TALL, -z, x, 0, -z);
  const made = new BufferGeometry();
  made.setAttribute('position', new BufferAttribute(new Float32Array(points), 3));
  return made;
}
