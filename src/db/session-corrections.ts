import {quoteLiteral} from './sql.js'

export type Settings = readonly (readonly [name: string, value: string])[]

/** The columns of sql/db/server.sql about settings that must hold between the transactions of a session. */
export interface SessionRow {
  /** idle_session_timeout is set. */
  ends_idle_sessions: boolean
  /** client_min_messages hides notices, or warnings as well. */
  hides_notices: boolean
}

/** Settings of the session itself. Never behind a pooler, where they would stay on a server connection. */
export function sessionCorrectionsOf({ends_idle_sessions: ends, hides_notices: hides}: SessionRow): Settings {
  return [
    // It would end the session while a person types an answer, or between two polls of a daemon.
    ...(ends ? [['idle_session_timeout', '0'] as const] : []),
    // A COMMIT within a user's SQL is noticed by the warning that follows it, when settings of a transaction are gone.
    ...(hides ? [['client_min_messages', 'notice'] as const] : []),
  ]
}

export function sessionWide(settings: Settings): string {
  return settings.map(([name, value]) => `set ${name} = ${quoteLiteral(value)}`).join('; ')
}

/** Undoes the settings of a statement outside a transaction. */
export function resetSession(settings: Settings): string {
  return ['reset all; reset role', ...(settings.length === 0 ? [] : [sessionWide(settings)])].join('; ')
}
