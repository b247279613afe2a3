import {apache} from './apache.js'
import type {Capability, Engine, EngineFacts, Lack} from './engine.js'
import {postgres} from './postgres.js'
import {timescaledb} from './timescaledb.js'

/** Every engine, in the order in which they are asked whether a database is theirs, and in which texts list them. */
const registry = [timescaledb, apache, postgres] as const satisfies readonly Engine[]

/** Which of the schemas of SQL a database takes; the embedded engine is a `timescaledb`. */
export type EngineKind = (typeof registry)[number]['name']

export type KnownEngine = Engine & {readonly name: EngineKind}

export const engines: readonly KnownEngine[] = registry

export const engineNames: readonly EngineKind[] = registry.map(({name}) => name)

/** The engine of a database: the first that recognises it. */
export function recogniseEngine(facts: EngineFacts): KnownEngine {
  // The last recognises everything.
  return engines.find((engine) => engine.recognises(facts))!
}

export function engineNamed(name: EngineKind): KnownEngine {
  return engines.find((engine) => engine.name === name)!
}

/** Everything that depends on what a server can do asks this; the name of an engine is compared nowhere else. */
export function can(name: EngineKind, capability: Capability): boolean {
  return lackOf(name, capability) === null
}

/** Why an engine cannot do something; null where it can. */
export function lackOf(name: EngineKind, capability: Capability): Lack | null {
  return engineNamed(name).lacks[capability] ?? null
}
