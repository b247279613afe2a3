import {Flags} from '@oclif/core'
import {engineNames} from '../engines/index.js'

/** `--engine`, with the names of the engine registry. */
export const engineFlag = (summary: string) => Flags.option({options: engineNames, summary})()
