import {Flags} from '@oclif/core'
import {engineNames} from '../engines/index.js'

/** `--engine`, which takes the names of the registry. */
export const engineFlag = (summary: string) => Flags.option({options: engineNames, summary})()
