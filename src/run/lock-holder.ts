/** A session that holds a lock. */
export interface LockHolder {
  pid: number
  /** The node of Citus where it is, `10.0.0.2:5432`; absent on this server. */
  node?: string
  user: string | null
  application: string | null
  /** PostgreSQL's backend_type; null for another role's session without pg_monitor. */
  backend?: string | null
  state: string | null
  query: string | null
  seconds: number | null
  mode: string
  /** One relation or several, as text for people. */
  relation: string
  /** False if it waits for the lock. */
  granted?: boolean
}

/** One session for people: who it is, what it holds, and since when. */
export function describeHolder({
  pid,
  node,
  user,
  application,
  backend,
  state,
  query,
  seconds,
  mode,
  relation,
  granted,
}: LockHolder): string {
  const who =
    `pid ${pid}${node === undefined ? '' : ` on ${node}`} ` +
    `(${[user, application].filter(Boolean).join(', ') || (backend ?? 'background process')})`
  const since = seconds === null ? '' : ` for ${Math.round(seconds)} s`
  const doing = query ? `, ${state ?? 'running'}: ${query.replace(/\s+/g, ' ').slice(0, 80)}` : ''
  return `${who} ${granted === false ? 'waits for' : 'holds'} ${mode} on ${relation}${since}${doing}`
}
