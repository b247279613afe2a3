import type {Check} from '../../check.js'
import {compressionChecks} from './compression.js'
import {countChecks} from './counts.js'
import {dateChecks} from './dates.js'
import {intervalChecks} from './intervals.js'
import {placeChecks} from './places.js'

export const chunkChecks: readonly Check[] = [
  ...countChecks,
  ...intervalChecks,
  ...dateChecks,
  ...compressionChecks,
  ...placeChecks,
]
