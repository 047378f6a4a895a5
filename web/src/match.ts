// Finding by a few letters.

/** How well a query fits a text: 0 not at all; every word of it must be in the text, in order of letters. */
export function match(query: string, text: string): number {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const lower = text.toLowerCase();
  let score = 1;
  for (const word of words) {
    const one = wordScore(word, lower);
    if (one === 0) return 0;
    score += one;
  }
  return score;
}

function wordScore(word: string, text: string): number {
  const at = text.indexOf(word);
  if (at === 0) return 100;
  if (at > 0) return /[\s:\-_/]/.test(text[at - 1] ?? '') ? 80 : 50;
  const plain = text.replace(/[^a-z0-9]/g, '');
  const plainWord = word.replace(/[^a-z0-9]/g, '');
  if (plainWord && plain.includes(plainWord)) return 40; // `btcusdt` finds `BTC-USDT`
  let from = 0;
  let spread = 0;
  for (const letter of plainWord) {
    const next = plain.indexOf(letter, from);
    if (next < 0) return 0;
    spread += next - from;
    from = next + 1;
  }
  return plainWord ? Math.max(1, 20 - spread) : 0;
}
