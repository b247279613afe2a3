import {apache} from './apache.js'
import {citus} from './citus.js'
import type {Capability, Engine, EngineFacts, Lack} from './engine.js'
import {postgres} from './postgres.js'
import {timescaledb} from './timescaledb.js'

/** Every engine, in the order in which they are tried and in which texts list them. */
const registry = [timescaledb, apache, citus, postgres] as const satisfies readonly Engine[]

/** Name of an engine. The embedded engine is `timescaledb`. */
export type EngineKind = (typeof registry)[number]['name']

export type KnownEngine = Engine & {readonly name: EngineKind}

export const engines: readonly KnownEngine[] = registry

export const engineNames: readonly EngineKind[] = registry.map(({name}) => name)

/** The engine of a database: the first that recognises it. `postgres` recognises every database. */
export function recogniseEngine(facts: EngineFacts): KnownEngine {
  return engines.find((engine) => engine.recognises(facts))!
}

export function engineNamed(name: EngineKind): KnownEngine {
  return engines.find((engine) => engine.name === name)!
}

/** Whether a database that was migrated for the second engine needs nothing else as the first. */
export function takesMigrationsOf(name: EngineKind, migrated: EngineKind): boolean {
  return engineNamed(name).variants.includes(migrated)
}

/** Whether an engine can do something. Code asks this instead of comparing the names of engines. */
export function can(name: EngineKind, capability: Capability): boolean {
  return lackOf(name, capability) === null
}

/** Why an engine cannot do something; null if it can. */
export function lackOf(name: EngineKind, capability: Capability): Lack | null {
  return engineNamed(name).lacks[capability] ?? null
}
