import {Args, Flags} from '@oclif/core'
import {fastFlag, tableFlags} from './table-flags.js'

/** `stats chunks` and `chunks list` are one command under two names. */
export const chunksArgs = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}

export const chunksFlags = {
  late: Flags.boolean({summary: 'Only chunks that a policy should have dealt with by now and has not.'}),
  ...fastFlag,
  ...tableFlags,
}

export const chunksSummary = 'Chunks or partitions with range, state, size and what is due, newest first.'

export const chunksDescription = `A chunk is marked ! when it has been due for longer than its policy's schedule and limits.lateAfter (6h) explain, or when it is not known since when: rows were written into it after it was compressed ("partial").
On a terminal the newest twenty; --json and --csv have them all.`

export const chunkFields = [
  'schema',
  'table',
  'chunkSchema',
  'chunk',
  'rangeStart',
  'rangeEnd',
  'rangeUnit',
  'flags',
  'totalBytes',
  'indexBytes',
  'beforeBytes',
  'afterBytes',
  'ratio',
  'space',
  'due',
  'dueSince',
  'late',
  'why',
] as const
