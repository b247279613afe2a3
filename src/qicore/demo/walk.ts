/**
 * A pseudo-random price curve that depends on the time alone. The same instant always has the same price, so demo data
 * added later and candles of different lengths are consistent. It sums noise of decreasing periods, each with half the
 * amplitude at a quarter of the period, which resembles a random walk at every scale.
 */
export function walk(seed: string, seconds: number): number {
  const salt = hashText(seed)
  let value = 0
  for (const [octave, {period, strength}] of octaves.entries()) {
    const position = seconds / period
    const cell = Math.floor(position)
    const into = position - cell
    const smooth = into * into * (3 - 2 * into)
    const left = noise(salt + octave, cell)
    value += strength * (left + smooth * (noise(salt + octave, cell + 1) - left))
  }
  return Math.exp(value)
}

/** Periods from two months down to a minute; a day moves by a few percent, an hour by less than one. */
const octaves = Array.from({length: 9}, (_, index) => ({
  period: (64 * 86_400) / 4 ** index,
  strength: 0.32 / 2 ** index,
}))

/** A number in [-1, 1) for a cell; the same input always returns the same number. */
export function noise(salt: number, cell: number): number {
  let h = (Math.imul(cell | 0, 0x9e3779b1) ^ Math.imul(salt | 0, 0x85ebca6b) ^ Math.floor(cell / 2 ** 32)) | 0
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1
}

function hashText(text: string): number {
  let h = 0x811c9dc5
  for (const character of text) h = Math.imul(h ^ character.codePointAt(0)!, 0x01000193)
  return h
}
