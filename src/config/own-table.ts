import {z} from 'zod'
import {knownTypes, readType} from '../schema/types.js'

/** The fields of `tables.<name>` that describe a table of one's own; the same words as the definitions have. */

const text = z.string().min(1)
const columns = z.array(text).min(1)
const named = {name: text, columns}

const column = z.strictObject({
  name: text,
  type: text.refine((value) => readType(value) !== null, {error: ({input}) => `"${String(input)}" is none of the types: ${knownTypes.join(', ')}`}).describe('as PostgreSQL spells it: numeric(20,8), text[]'),
  nullable: z.boolean().optional().describe('whether it may be null (false)'),
  default: text.optional().describe('an SQL expression: now()'),
  doc: text.optional().describe('what the value means, for the generated code'),
})

export const ownTableFields = {
  doc: text.optional().describe('one sentence on what the table holds'),
  columns: z.array(column).min(1).optional().describe('describes the table: SQL, Drizzle, zod and the drift check come from it'),
  primaryKey: columns.optional().describe('holds the time column, and the space column where there is one'),
  uniques: z.array(z.strictObject(named)).optional(),
  checks: z.array(z.strictObject({name: text, expression: text.describe('an immutable SQL condition on one row')})).optional(),
  indexes: z.array(z.strictObject({name: text, columns: columns.describe('time, or time desc')})).optional(),
  foreignKeys: z.array(z.strictObject({...named, references: z.strictObject({schema: text, table: text, columns})})).optional(),
  hypertable: z
    .strictObject({
      time: text.describe('the column that chunks and partitions are cut by'),
      space: z.strictObject({column: text, partitions: z.int().min(0).max(32_767)}).optional().describe('fixed when the table is made'),
    })
    .optional()
    .describe('absent: an ordinary table on every engine'),
}
