// The heatmap's shaders. Times are column numbers above a base and prices differences from an origin: single precision holds them.

import { MARKS_WIDE, ROWS_PER_PIXEL } from './painter';

/** What a column's vertex needs: where its slot is, and where it stands on the canvas. */
const COLUMN = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D meta, touch;
uniform int first, shift, columns; // first column's number, slot of number zero, size of the ring
uniform vec2 time; // number at the left edge; pixels per column
uniform vec2 price; // at the bottom edge; pixels per price
uniform vec2 resolution;
int slotOf(int number) { return (number + shift) % columns; }
vec4 place(vec2 pixel) { return vec4(pixel / resolution * 2.0 - 1.0, 0.0, 1.0); }
// two triangles per rectangle: 0 1 2, 2 1 3
int corner() { int v = gl_VertexID % 6; return v < 3 ? v : v == 3 ? 2 : v == 4 ? 1 : 3; }
const vec4 NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);
`;

/** One rectangle per column: as tall as its rows, or the whole height where it cannot be vouched for. */
export const HEAT_VERTEX = `${COLUMN}
flat out int slot;
flat out vec3 rows; // pixel of the lowest edge, rows per pixel, count (0: doubted)
uniform bool doubted; // only what cannot be vouched for, or only the rest
void main() {
  int number = first + gl_VertexID / 6;
  slot = slotOf(number);
  vec4 m = texelFetch(meta, ivec2(0, slot), 0);
  gl_Position = NOWHERE;
  if (int(m.w) != number || (m.y < 0.5) != doubted) return;
  float left = round((float(number) - time.x) * time.y);
  float right = max(left + 1.0, round((float(number) + 1.0 - time.x) * time.y));
  float bottom = (m.x - price.x) * price.y;
  float top = bottom + m.y * m.z * price.y;
  rows = vec3(bottom, 1.0 / (m.z * price.y), m.y);
  if (m.y < 0.5) { bottom = 0.0; top = resolution.y; }
  int at = corner();
  gl_Position = place(vec2(at % 2 == 0 ? left : right, at < 2 ? bottom : top));
}`;

export const HEAT_FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D data, lut;
uniform vec2 scale; // floor, shades / (clip - floor)
uniform float shades; // last place of the table of colours
uniform vec3 ground, hatch;
uniform float stripe;
flat in int slot;
flat in vec3 rows;
out vec4 ink;
void main() {
  if (rows.z < 0.5) {
    bool on = mod(gl_FragCoord.x + gl_FragCoord.y, 9.0 * stripe) < 1.5 * stripe;
    ink = vec4(on ? hatch : ground, 1.0);
    return;
  }
  float at = (gl_FragCoord.y - 0.5 - rows.x) * rows.y;
  int row = clamp(int(at + 1e-3), 0, int(rows.z) - 1);
  float size = texelFetch(data, ivec2(row, slot), 0).r;
  // where rows are lower than a pixel, the largest of those it covers
  if (rows.y > 1.0) {
    int to = min(int(rows.z) - 1, min(row + ${ROWS_PER_PIXEL - 1}, int(at + rows.y)));
    for (int i = row + 1; i <= to; i++) size = max(size, texelFetch(data, ivec2(i, slot), 0).r);
  }
  ink = texelFetch(lut, ivec2(int(clamp((size - scale.x) * scale.y, 0.0, shades) + 0.5), 0), 0);
}`;

/** Best bid (even rectangles) and ask (odd): a level stretch per column, or the upright that joins it to the one before. */
export const LINE_VERTEX = `${COLUMN}
uniform float thick, grow;
uniform bool upright;
uniform vec3 bidInk, askInk, rim;
uniform float rimAlpha;
flat out vec4 colour;
float levelOf(vec2 t, bool ask) {
  float bid = floor((t.x - price.x) * price.y) + 0.5;
  float above = floor((t.y - price.x) * price.y) + 0.5;
  return ask ? max(above, bid + thick) : bid;
}
void main() {
  int number = first + gl_VertexID / 12;
  bool ask = gl_VertexID / 6 % 2 == 1;
  int slot = slotOf(number);
  vec4 m = texelFetch(meta, ivec2(0, slot), 0);
  vec2 t = texelFetch(touch, ivec2(0, slot), 0).rg;
  colour = rimAlpha > 0.0 ? vec4(rim * rimAlpha, rimAlpha) : vec4(ask ? askInk : bidInk, 1.0);
  gl_Position = NOWHERE;
  if (int(m.w) != number || m.y < 0.5 || abs(ask ? t.y : t.x) > 1e29) return;
  float left = round((float(number) - time.x) * time.y);
  float right = max(left + 1.0, round((float(number) + 1.0 - time.x) * time.y));
  float half_ = 0.5 * thick + grow;
  float level = levelOf(t, ask);
  vec2 low = vec2(left - grow, level - half_);
  vec2 high = vec2(right + grow, level + half_);
  if (upright) {
    int before = slotOf(number - 1);
    vec4 n = texelFetch(meta, ivec2(0, before), 0);
    vec2 u = texelFetch(touch, ivec2(0, before), 0).rg;
    if (int(n.w) != number - 1 || n.y < 0.5 || abs(ask ? u.y : u.x) > 1e29) return;
    float other = levelOf(u, ask);
    if (other == level) return;
    low = vec2(left - half_, min(level, other) - half_);
    high = vec2(left + half_, max(level, other) + half_);
  }
  int at = corner();
  gl_Position = place(vec2(at % 2 == 0 ? low.x : high.x, at < 2 ? low.y : high.y));
}`;

export const LINE_FRAGMENT = `#version 300 es
precision mediump float;
flat in vec4 colour;
out vec4 ink;
void main() { ink = colour; }`;

/** Marks of a ring: number modulo its size is its place in a texture of `${MARKS_WIDE}` a row. */
export const MARK_VERTEX = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D marks; // bucket, price above origin, size, side
uniform int first, capacity;
uniform vec2 time, price, resolution, radius;
out vec2 place;
flat out float side, pixels;
void main() {
  int number = (first + gl_VertexID / 6) % capacity;
  vec4 mark = texelFetch(marks, ivec2(number % ${MARKS_WIDE}, number / ${MARKS_WIDE}), 0);
  int v = gl_VertexID % 6;
  int at = v < 3 ? v : v == 3 ? 2 : v == 4 ? 1 : 3;
  float r = radius.x * sqrt(min(mark.z / radius.y, 1.6));
  vec2 corner = vec2(at % 2 == 0 ? -1.0 : 1.0, at < 2 ? -1.0 : 1.0);
  float reach = r * 1.26 + 1.0;
  vec2 centre = vec2((mark.x - time.x) * time.y, (mark.y - price.x) * price.y) * resolution;
  place = corner * reach;
  side = mark.w;
  pixels = r;
  gl_Position = r < 0.8 || mark.z <= 0.0
    ? vec4(2.0, 2.0, 2.0, 1.0)
    : vec4((centre + place) / resolution * 2.0 - 1.0, 0.0, 1.0);
}`;

/** Taker bought: a disc; sold: a diamond of the same area. */
export const MARK_FRAGMENT = `#version 300 es
precision highp float;
in vec2 place;
flat in float side, pixels;
uniform vec3 bidInk, askInk, rim;
out vec4 ink;
void main() {
  float away = side > 0.0 ? length(place) - pixels : (abs(place.x) + abs(place.y)) * 0.7071 - pixels * 0.8862;
  float body = 1.0 - smoothstep(-0.7, 0.5, away);
  float edge = smoothstep(-2.2, -0.9, away) * body;
  vec3 colour = side > 0.0 ? bidInk : askInk;
  float alpha = body * mix(0.5, 0.9, edge);
  ink = vec4(mix(colour, rim, 0.5 * edge) * alpha, alpha);
}`;
