import type {EngineKind} from '../../src/engines/index.js'

/** An engine that this run can use, as found by the global setup and passed to every test file. */
export interface EngineInfo {
  /** `embedded`, `postgres18`, or the version of the server. */
  name: string
  kind: EngineKind
  /** A server with many sessions, unlike the embedded engine, which has one. */
  native: boolean
  /** A database on it from which others can be created; null for the embedded engine. */
  url: string | null
  /** For the embedded engine: the template of a new database. */
  template: EmbeddedTemplate | null
}

/** An empty embedded database; copying it takes a tenth of the time of creating one. */
export interface EmbeddedTemplate {
  directory: string
  /** The same as an archive, from which a database in memory starts. */
  archive: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    engines: EngineInfo[]
  }
}
