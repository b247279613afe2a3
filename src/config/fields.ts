import {z} from 'zod'
import {messageOf} from '../errors.js'
import {parseDuration} from '../units/duration.js'

/** A duration field: text as {@link parseDuration} reads it. A bare number is refused by it, naming both readings. */
export const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return parseDuration(String(value))
  } catch (error) {
    context.addIssue({code: 'custom', message: messageOf(error)})
    return z.NEVER
  }
})

/** A relation as schema.table; quoting as PostgreSQL's own. */
export const qualified = z.string().regex(/^\s*(?:"(?:[^"]|"")+"|[^".]+)\.(?:"(?:[^"]|"")+"|[^".]+)\s*$/, 'write it as schema.table')
