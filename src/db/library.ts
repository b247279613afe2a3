import {ExitCode, OpsError} from '../errors.js'
import {loadSql} from './load-sql.js'
import {serverMessage, SqlState, sqlState} from './sqlstate.js'

/** Startup options of a session that does not load TimescaleDB's library. A pooler may refuse them. */
export const withoutLibrary = '-c timescaledb.disable_load=on'

/** A client of node-postgres. */
interface Client {
  query(text: string): Promise<{rows: object[]}>
  end(): Promise<void>
}

/** What a session that does not load TimescaleDB sees of the extension. */
interface InstalledVersion {
  installed: string | null
  /** What the server has the files of. */
  available: string | null
}

/**
 * Where a new session's first question failed because the library of the installed version is missing or is another
 * one, the error that says so; else null.
 * @param open makes a session {@link withoutLibrary}; its failure only costs the versions
 */
export async function libraryError(error: unknown, open: () => Promise<Client>): Promise<OpsError | null> {
  const state = sqlState(error)
  if (state !== SqlState.undefinedFile && state !== SqlState.featureNotSupported) return null
  const {installed, available} = await readVersion(open).catch(() => ({installed: null, available: null}))
  // These codes are TimescaleDB's only where it is installed; where that cannot be seen, the server's words have to do.
  if (installed === null && state === SqlState.featureNotSupported) return null
  const missing = state === SqlState.undefinedFile
  const version =
    installed === null
      ? 'the extension timescaledb'
      : `timescaledb ${installed}, the version of the extension in this database,`
  return new OpsError(
    missing ? 'LIBRARY_MISSING' : 'LIBRARY_MISMATCH',
    `The library of ${version} ${missing ? 'cannot be loaded' : 'is not the one that the server loaded'}: ${serverMessage(error)}`,
    {
      exit: ExitCode.cannotConnect,
      suggestions: [
        available === null || available === installed
          ? 'In a new session (psql -X), as its first statement: ALTER EXTENSION timescaledb UPDATE'
          : `The server has the files of ${available}. In a new session (psql -X), as its first statement: ALTER EXTENSION timescaledb UPDATE`,
        ...(installed === null ? [] : [`Or install the files of ${installed} on the server again.`]),
      ],
    },
  )
}

async function readVersion(open: () => Promise<Client>): Promise<InstalledVersion> {
  const client = await open()
  try {
    const {rows} = await client.query(loadSql('db/installed-version'))
    return (rows[0] as InstalledVersion | undefined) ?? {installed: null, available: null}
  } finally {
    await client.end().catch(() => {})
  }
}
