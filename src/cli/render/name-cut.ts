import {cut, widthOf, type CutAt} from './text.js'

/** How names are cut so that each still can be told from the others. */
export interface NameCut {
  width: number
  where: CutAt
}

/**
 * The narrowest cut in which different names stay different: many share their beginning, some their end. Where that
 * takes too much room, `least`, whatever becomes equal.
 * @param most of the terminal's columns that names may take for it
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

/** By halving: what is different in a narrow cut is so in a wider one. */
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
