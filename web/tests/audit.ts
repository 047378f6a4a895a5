// What can be seen of a page without eyes: contrast, names, overflow. Runs inside the page.

/** Faults of the page as it stands, one line each. */
export function audit(): string[] {
  const faults: string[] = [];
  const doc = document.documentElement;
  if (doc.scrollWidth > innerWidth + 1) faults.push(`the page is ${doc.scrollWidth} px wide on a screen of ${innerWidth}`);

  for (const control of document.querySelectorAll<HTMLElement>('button, a[href], input, select, [role="img"], canvas')) {
    if (!shown(control) || control.closest('[aria-hidden="true"]')) continue;
    const labelled = control.getAttribute('aria-label') ?? control.getAttribute('title') ?? control.textContent?.trim();
    if (!labelled && !control.closest('[role="img"], label')) faults.push(`no accessible name: ${control.outerHTML.slice(0, 120)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) faults.push(`id ${id} is there twice`);

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set<string>();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element || !node.textContent?.trim() || !shown(element) || element.closest('[aria-hidden="true"], :disabled, option')) continue;
    const style = getComputedStyle(element);
    const text = colour(style.color);
    const ground = background(element);
    const opacity = inherited(element);
    const ratio = contrast(over({ ...text, a: text.a * opacity }, ground), ground);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < needed - 0.05) {
      const line = `contrast ${ratio.toFixed(2)}, ${needed} is needed: ${style.color} on rgb(${ground.r},${ground.g},${ground.b}), class ${element.className || element.parentElement?.className}`;
      if (!seen.has(line)) faults.push(`${line}: "${node.textContent.trim().slice(0, 30)}"`);
      seen.add(line);
    }
  }
  return faults;

  function shown(element: Element): boolean {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && element.checkVisibility({ opacityProperty: false, visibilityProperty: true });
  }
  type Colour = { r: number; g: number; b: number; a: number };
  function colour(text: string): Colour {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return text.startsWith('color(') ? { r: r * 255, g: g * 255, b: b * 255, a } : { r, g, b, a };
  }
  function over(top: Colour, under: Colour): Colour {
    const mix = (x: number, y: number): number => Math.round(x * top.a + y * (1 - top.a));
    return { r: mix(top.r, under.r), g: mix(top.g, under.g), b: mix(top.b, under.b), a: 1 };
  }
  function background(element: Element): Colour {
    const layers: Colour[] = [];
    for (let one: Element | null = element; one; one = one.parentElement) {
      const layer = colour(getComputedStyle(one).backgroundColor);
      if (layer.a > 0) layers.push(layer);
      if (layer.a === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  }
  function inherited(element: Element): number {
    let all = 1;
    for (let one: Element | null = element; one; one = one.parentElement) all *= Number(getComputedStyle(one).opacity);
    return all;
  }
  function contrast(x: Colour, y: Colour): number {
    const light = ({ r, g, b }: Colour): number => {
      const part = (value: number): number => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const [a, b] = [light(x), light(y)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
}
