import { describe, expect, it } from 'vitest';
import { decode, decodeReliefHistory, WireError, type Frame } from './wire';

/** Writes little-endian fields one after the other, as the server does. */
class Writer {
  private bytes: number[] = [];
  private put(size: number, write: (view: DataView) => void): this {
    const view = new DataView(new ArrayBuffer(size));
    write(view);
    for (let i = 0; i < size; i++) this.bytes.push(view.getUint8(i));
    return this;
  }
  u8 = (x: number) => this.put(1, (v) => v.setUint8(0, x));
  u16 = (x: number) => this.put(2, (v) => v.setUint16(0, x, true));
  u32 = (x: number) => this.put(4, (v) => v.setUint32(0, x, true));
  u64 = (x: bigint) => this.put(8, (v) => v.setBigUint64(0, x, true));
  i64 = (x: bigint) => this.put(8, (v) => v.setBigInt64(0, x, true));
  f32 = (x: number) => this.put(4, (v) => v.setFloat32(0, x, true));
  f64 = (x: number) => this.put(8, (v) => v.setFloat64(0, x, true));
  head = (kind: number, flags = 0, validity = 0, instrument = 3, sequence = 7n, at = 1_763_680_000_123_456_789n) =>
    this.u8(1).u8(kind).u8(flags).u8(validity).u32(instrument).u64(sequence).i64(at);
  done = (): ArrayBuffer => new Uint8Array(this.bytes).buffer;
}

function read<K extends Frame['kind']>(kind: K, buffer: ArrayBuffer): Extract<Frame, { kind: K }> {
  const frame = decode(buffer);
  expect(frame.kind).toBe(kind);
  return frame as Extract<Frame, { kind: K }>;
}

describe('decode', () => {
  it('reads the head: flags, validity, instrument, sequence and time', () => {
    const frame = decode(new Writer().head(1, 1, 3, 258, 4_294_967_297n).u16(0).u16(0).u32(0).done());
    expect(frame).toMatchObject({ snapshot: true, validity: 3, instrument: 258, sequence: 4_294_967_297 });
    expect(frame.at).toBeCloseTo(1_763_680_000_123.4568, 3);
  });

  it('reads metrics with the reason of each absent value', () => {
    const w = new Writer().head(1).u16(2).u16(0).u32(0);
    w.u16(0).u8(0).u8(0).u32(0).f64(61602.015).u16(300).u8(5).u8(0).u32(0).f64(0);
    const frame = read('metrics', w.done());
    expect([...frame.columns]).toEqual([0, 300]);
    expect([...frame.reasons]).toEqual([0, 5]);
    expect(frame.values[0]).toBe(61602.015);
  });

  it('reads book levels exactly up to 2^50 and below zero', () => {
    const w = new Writer().head(2, 1).u16(1).u16(2).u32(0);
    w.i64(6_160_201n).i64(2n ** 50n).i64(-5n).i64(0n).i64(6_160_203n).i64(12n);
    const frame = read('book', w.done());
    expect(frame.bids).toBe(1);
    expect([...frame.prices]).toEqual([6_160_201, -5, 6_160_203]);
    expect([...frame.sizes]).toEqual([2 ** 50, 0, 12]);
  });

  it('reads trades with their side', () => {
    const w = new Writer().head(3).u16(2).u16(0).u32(0);
    for (const [at, price, size, buy] of [[1_000_000_000n, 10n, 20n, 1], [2_500_000_000n, 11n, 21n, 0]] as const) {
      w.i64(at).i64(price).i64(size).u8(buy);
      for (let i = 0; i < 7; i++) w.u8(0);
    }
    const frame = read('trades', w.done());
    expect([...frame.ats]).toEqual([1000, 2500]);
    expect([...frame.buys]).toEqual([1, 0]);
  });

  it('reads a relief column, with a side that is empty', () => {
    const w = new Writer().head(4).i64(50n).i64(123_204n).i64(-(2n ** 63n)).i64(6_160_203n).u32(2).u32(1).f32(1.5).f32(0.25);
    const frame = read('relief', w.done());
    expect(frame).toMatchObject({ row: 50, first: 123_204, bestBid: null, bestAsk: 6_160_203, split: 1 });
    expect([...frame.sizes]).toEqual([1.5, 0.25]);
  });

  it.each([
    ['nothing', new ArrayBuffer(0)],
    ['half a head', new ArrayBuffer(12)],
    ['another version', new Uint8Array(32).fill(9).buffer],
    ['an unknown kind', new Writer().head(77).done()],
    ['fewer values than announced', new Writer().head(1).u16(2).u16(0).u32(0).u64(0n).f64(1).done()],
    ['more bytes than announced', new Writer().head(2).u16(0).u16(0).u32(0).u8(1).done()],
    ['a relief without its body', new Writer().head(4).u32(1).done()],
    ['trades without a count', new Writer().head(3).done()],
  ])('refuses %s', (_, buffer) => {
    expect(() => decode(buffer)).toThrow(WireError);
  });
});

describe('decodeReliefHistory', () => {
  const column = (at: bigint) => new Writer().head(4, 0, 0, 3, 7n, at).i64(1n).i64(2n).i64(3n).i64(4n).u32(1).u32(0).f32(2).done();
  const framed = (...frames: ArrayBuffer[]) => {
    const w = new Writer();
    for (const frame of frames) {
      w.u32(frame.byteLength);
      for (const byte of new Uint8Array(frame)) w.u8(byte);
    }
    return w.done();
  };

  it('reads frames behind their lengths, in order', () => {
    expect(decodeReliefHistory(framed(column(1_000_000n), column(2_000_000n))).map((c) => c.at)).toEqual([1, 2]);
    expect(decodeReliefHistory(new ArrayBuffer(0))).toEqual([]);
  });

  it('refuses what is cut off or of another kind', () => {
    expect(() => decodeReliefHistory(framed(column(1n)).slice(0, 40))).toThrow(WireError);
    expect(() => decodeReliefHistory(new ArrayBuffer(3))).toThrow(WireError);
    expect(() => decodeReliefHistory(framed(new Writer().head(1).u16(0).u16(0).u32(0).done()))).toThrow(WireError);
  });
});
