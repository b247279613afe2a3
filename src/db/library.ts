import {ExitCode, OpsError} from '../errors.js'
import {loadSql} from './load-sql.js'
import {serverMessage, SqlState, sqlState} from './sqlstate.js'

/** Startup options for a session that does not load TimescaleDB's library. A pooler may refuse them. */
export const withoutLibrary = '-c timescaledb.disable_load=on'

/** A client of node-postgres. */
interface Client {
  query(text: string): Promise<{rows: object[]}>
  end(): Promise<void>
}

/** The versions of the extension, read in a session that does not load TimescaleDB. */
interface InstalledVersion {
  installed: string | null
  /** The version of the files on the server. */
  available: string | null
}

/**
 * The error for a new session whose first query failed because TimescaleDB's library is missing or has another version
 * than the extension; null for other errors.
 * @param open opens a session {@link withoutLibrary}; if that fails, the error does not name the versions
 */
export async function libraryError(error: unknown, open: () => Promise<Client>): Promise<OpsError | null> {
  const state = sqlState(error)
  if (state !== SqlState.undefinedFile && state !== SqlState.featureNotSupported) return null
  const {installed, available} = await readVersion(open).catch(() => ({installed: null, available: null}))
  // feature_not_supported means a version mismatch only if TimescaleDB is installed; if unknown, the error is not
  // wrapped.
  if (installed === null && state === SqlState.featureNotSupported) return null
  const missing = state === SqlState.undefinedFile
  const version =
    installed === null
      ? 'the extension timescaledb'
      : `timescaledb ${installed}, the version of the extension in this database,`
  return new OpsError(
    missing ? 'LIBRARY_MISSING' : 'LIBRARY_MISMATCH',
    `The library of ${version} ${missing ? 'cannot be loaded' : 'is not the one that the server has loaded'}: ` +
      `${serverMessage(error)}`,
    {
      exit: ExitCode.cannotConnect,
      suggestions: [
        available === null || available === installed
          ? 'In a new session (psql -X), as its first statement: ALTER EXTENSION timescaledb UPDATE'
          : `The server has the files of ${available}. In a new session (psql -X), as its first statement: ALTER ` +
            'EXTENSION timescaledb UPDATE',
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
