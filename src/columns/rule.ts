import {show} from './types.js'
import type {Truth} from './compare.js'

/** What a check says where it fails, for zod's `refine`. It is asked also where other columns have errors. */
export interface Rule {
  path: string[]
  error: (issue: {input?: unknown}) => string
  params: {constraint: string}
  when: (payload: {value: unknown}) => boolean
}

/** @param demand what is asked of the value, as words that go on after it: `must be more than 0` */
export function rule(constraint: string, property: string, demand: string): Rule {
  return {
    path: [property],
    error: ({input}) => `${show((input as Record<string, unknown> | null)?.[property])} ${demand} (${constraint})`,
    params: {constraint},
    when: ({value}) => typeof value === 'object' && value !== null,
  }
}

/** SQL's reading of a check: only false fails. */
export function passes(truth: Truth): boolean {
  return truth !== false
}
