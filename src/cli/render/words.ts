export {bytesOr, dash} from '../../units/cell-text.js'
export {formatAge, formatElapsed} from '../../units/elapsed.js'
export {formatInstant, instantInWords} from '../../units/instant.js'

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
