export {bytesOr, dash} from '../../units/cell-text.js'
export {formatAge, formatElapsed} from '../../units/elapsed.js'
export {formatInstant, instantInWords} from '../../units/instant.js'
export {plural} from '../../units/plural.js'
