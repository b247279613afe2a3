import type {Environment} from '../db/libpq.js'
import {messageOf, OpsError, usageError} from '../errors.js'

/** The origin of a value, in order of precedence. `config`: the configuration file. */
export type From = 'flag' | 'environment' | 'config' | 'default'

/** A value and its origin. */
export interface Setting<T> {
  value: T
  from: From
  /** The flag, the variable or the path of the file; null for a default. */
  source: string | null
}

export interface Candidates<T> {
  flag?: {name: string; value: T | undefined} | undefined
  environment?: {name: string; env: Environment; parse(text: string): T} | undefined
  config?: {file: string | undefined; value: T | undefined} | undefined
  default: T
}

/**
 * The value from the source with the highest precedence: flag, environment, file, default. An empty variable counts as
 * unset.
 * @throws OpsError of the variable's parser, prefixed with the name of the variable
 */
export function strongest<T>({flag, environment, config, default: byDefault}: Candidates<T>): Setting<T> {
  if (flag?.value !== undefined) return {value: flag.value, from: 'flag', source: flag.name}
  const text = environment?.env[environment.name]
  if (environment !== undefined && text)
    return {value: parsed(environment.name, text, environment.parse), from: 'environment', source: environment.name}
  if (config?.value !== undefined) return {value: config.value, from: 'config', source: config.file ?? null}
  return {value: byDefault, from: 'default', source: null}
}

function parsed<T>(name: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof OpsError)) throw error
    throw usageError(error.code, `${name}: ${messageOf(error)}`, error.suggestions)
  }
}
