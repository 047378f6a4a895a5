// A canvas that fills its box in device pixels, and what all drawers need of it.

export class Board {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  /** Size in pixels of the page. */
  width = 0;
  height = 0;
  ratio = 1;
  /** Goes up with every change of size. */
  changes = 0;
  readonly #observer: ResizeObserver;

  constructor(canvas: HTMLCanvasElement, opaque = false) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', { alpha: !opaque })!;
    this.#observer = observe(canvas, (width, height, ratio) => {
      this.width = width;
      this.height = height;
      this.ratio = ratio;
      this.changes += 1;
    });
  }

  /** Clears, and lets one unit be one pixel of the page. */
  begin(): CanvasRenderingContext2D {
    const { canvas, context, ratio } = this;
    const width = Math.max(1, Math.round(this.width * ratio));
    const height = Math.max(1, Math.round(this.height * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    return context;
  }

  destroy(): void {
    this.#observer.disconnect();
  }
}

/** Tells the size of an element's box, in pixels of the page, and the ratio of device pixels to them. */
export function observe(element: Element, told: (width: number, height: number, ratio: number) => void): ResizeObserver {
  const observer = new ResizeObserver((entries) => {
    const box = entries[entries.length - 1]?.contentRect;
    if (box) told(box.width, box.height, Math.min(3, window.devicePixelRatio || 1));
  });
  observer.observe(element);
  return observer;
}

/** Texts of numbers made once each: drawing the same label again makes no string. */
export class Texts {
  readonly #known = new Map<number, string>();
  #key = '';

  /** `key` names how it is written; another key forgets all. */
  get(value: number, key: string, write: (value: number) => string): string {
    if (key !== this.#key || this.#known.size > 2000) {
      this.#known.clear();
      this.#key = key;
    }
    let text = this.#known.get(value);
    if (text === undefined) {
      text = write(value);
      this.#known.set(value, text);
    }
    return text;
  }
}
