import {z} from 'zod'
import {messageOf} from '../errors.js'
import {parseDuration} from '../units/duration.js'
import {parseEvery} from '../units/period.js'

/** What an editor shows for a field; `default` applies if the field is absent. */
export interface About {
  default?: unknown
  examples?: unknown[]
}

/** Defaults and examples for editors. zod's own metadata is lost if a field has a transform. */
export const editorHints = z.registry<About>()

/** A field with its description, for the JSON Schema. */
export function about<Schema extends z.ZodType>(schema: Schema, description: string, more: About = {}): Schema {
  const described = schema.describe(description) as Schema
  editorHints.add(described as never, more as never)
  return described
}

/**
 * A duration field: text for {@link parseDuration}. A bare number is rejected with an error that names both readings.
 */
export const duration = z
  .string({error: ({input}) => (typeof input === 'number' ? durationProblem(String(input)) : undefined)})
  .transform((value, context) => {
    try {
      return parseDuration(value)
    } catch (error) {
      context.addIssue({code: 'custom', message: messageOf(error)})
      return z.NEVER
    }
  })

/** The length of a partition: text for {@link parseEvery}. */
export const every = z.string().transform((value, context) => {
  try {
    return parseEvery(value)
  } catch (error) {
    context.addIssue({code: 'custom', message: messageOf(error)})
    return z.NEVER
  }
})

function durationProblem(text: string): string | undefined {
  try {
    parseDuration(text)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** A relation as schema.table, quoted as in PostgreSQL. */
export const qualified = z
  .string()
  .regex(/^\s*(?:"(?:[^"]|"")+"|[^".]+)\.(?:"(?:[^"]|"")+"|[^".]+)\s*$/, 'write it as schema.table')
