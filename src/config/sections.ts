import {z} from 'zod'
import {knownHazards} from '../run/hazards/known.js'
import {userTableProblems} from '../schema/user-tables.js'
import {about, duration, qualified} from './fields.js'
import {tableOf} from './table-key.js'
import {aggregate, table} from './table-fields.js'

/** Those that refuse an operation: the others are findings of doctor, with nothing to accept. */
const operationHazards = knownHazards.filter(({unsafe}) => unsafe !== null).map(({id}) => id) as [string, ...string[]]

/** The section `limits`. */
export const limitsSection = z
  .strictObject({
    lockTimeout: about(duration.optional(), 'Time that a step waits for a lock.', {default: '2s', examples: ['5s']}),
    exclusiveLockTimeout: about(duration.optional(), 'The same for a step that takes ACCESS EXCLUSIVE.', {
      default: '500ms',
      examples: ['1s'],
    }),
    maxDropPerRun: about(
      z.int().positive().optional(),
      'Maximum number of chunks that one run of gated retention drops.',
      {
        default: 8,
        examples: [20],
      },
    ),
    lateAfter: about(duration.optional(), 'Time that due work may wait before it is late.', {
      default: '6h',
      examples: ['1 day'],
    }),
    acceptedHazards: about(
      z.array(z.enum(operationHazards)).optional(),
      'Known defects of the server in spite of which commands and the daemon make a change.',
      {examples: [['timescaledb-9339']]},
    ),
  })
  .meta({id: 'limits'})

/** An id makes a part of the JSON Schema that is used more than once appear once. */
const tableEntry = table.meta({id: 'table'})

/** `a.b` and `"a".b` are the same table, so only one of the entries could apply. */
function sameTwice(
  entries: object,
  context: {addIssue(issue: {code: 'custom'; message: string; path: string[]}): void},
): void {
  const seen = new Map<string, string>()
  for (const key of Object.keys(entries)) {
    const table = tableOf(key)
    const first = seen.get(table)
    if (first !== undefined)
      context.addIssue({code: 'custom', path: [key], message: `it is the same table as ${first}`})
    else seen.set(table, key)
  }
}

/**
 * The section `tables` of a target or a group. Each entry adds to the entry of the file, so it is checked after that.
 */
export const tableSettings = z.record(qualified, tableEntry).superRefine(sameTwice)

/** Described tables are validated like definitions, even if other parts of the file have errors. */
export const tablesSection = z.record(qualified, tableEntry).superRefine(
  (entries, context) => {
    sameTwice(entries, context)
    for (const {at, message} of userTableProblems(entries)) context.addIssue({code: 'custom', path: at, message})
  },
  {when: ({value}) => typeof value === 'object' && value !== null && !Array.isArray(value)},
)

/** The section `aggregates`. */
export const aggregatesSection = z.record(qualified, aggregate.meta({id: 'aggregate'})).superRefine(sameTwice)
