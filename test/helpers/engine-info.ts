import type {EngineKind} from '../../src/engines/index.js'

/** An engine that this run can use, as the global setup found it; passed on to every test file. */
export interface EngineInfo {
  /** `embedded`, `postgres18`, or what the server says it is. */
  name: string
  kind: EngineKind
  /** A server with many sessions, as opposed to the embedded engine with its one. */
  native: boolean
  /** A database of it from which others can be created; null for the embedded engine. */
  url: string | null
  /** Of the embedded engine: what a new database is, to be copied. */
  template: EmbeddedTemplate | null
}

/** An empty embedded database; to copy it takes a tenth of the time of making one. */
export interface EmbeddedTemplate {
  directory: string
  /** The same as an archive, which a database in memory begins with. */
  archive: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    engines: EngineInfo[]
  }
}
