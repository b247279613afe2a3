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
}

declare module 'vitest' {
  export interface ProvidedContext {
    engines: EngineInfo[]
  }
}
