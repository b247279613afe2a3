import {show} from './types.js'
import type {Truth} from './compare.js'

/** The options of zod's `refine` for a check. The check also runs if other columns have errors. */
export interface Rule {
  path: string[]
  error: (issue: {input?: unknown}) => string
  params: {constraint: string}
  when: (payload: {value: unknown}) => boolean
}

/** @param demand the requirement, worded to follow the quoted value: `must be more than 0` */
export function rule(constraint: string, property: string, demand: string): Rule {
  return {
    path: [property],
    error: ({input}) => `${show((input as Record<string, unknown> | null)?.[property])} ${demand} (${constraint})`,
    params: {constraint},
    when: ({value}) => typeof value === 'object' && value !== null,
  }
}

/** A CHECK constraint in SQL: only false fails. */
export function passes(truth: Truth): boolean {
  return truth !== false
}
