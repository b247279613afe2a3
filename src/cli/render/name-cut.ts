import {cut, widthOf, type CutAt} from './text.js'

/** How names are truncated so that they remain distinguishable. */
export interface NameCut {
  width: number
  where: CutAt
}

/**
 * The narrowest truncation that keeps different names different: some share their beginning, others their end. Falls
 * back to `least` if that takes too much width.
 * @param most maximum width in terminal columns
 */
export function distinctCut(names: readonly string[], least: number, most: number): NameCut {
  const different = [...new Set(names)]
  const natural = different.reduce((widest, name) => Math.max(widest, widthOf(name)), 0)
  const whole: NameCut = {width: natural, where: 'middle'}
  if (natural <= least) return whole
  const found = (['middle', 'front'] as const)
    .map((where) => narrowest(different, where, least, Math.min(most, natural)))
    .filter((each) => each !== null)
    .sort((a, b) => a.width - b.width)
  return found[0] ?? {width: least, where: 'middle'}
}

/** Binary search: names that differ at some width also differ at every larger width. */
function narrowest(names: readonly string[], where: CutAt, least: number, most: number): NameCut | null {
  const distinct = (width: number) => new Set(names.map((name) => cut(name, width, where))).size === names.length
  if (most < least || !distinct(most)) return null
  let [low, high] = [least, most]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (distinct(middle)) high = middle
    else low = middle + 1
  }
  return {width: high, where}
}
