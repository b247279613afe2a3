import type {Check} from '../../check.js'
import {coverageChecks} from './coverage.js'
import {restChecks} from './rest.js'

export const partitionChecks: readonly Check[] = [...coverageChecks, ...restChecks]
