import type {Session} from './sessions.js'

/**
 * The sessions in tree order: a blocker comes before the sessions that wait for it, with `depth` and `blocks` filled
 * in. A session blocked by several others appears once, below the first of them. A cycle, which PostgreSQL resolves as
 * a deadlock after deadlock_timeout, starts at its first session.
 * @param sessions in the order in which roots and siblings should appear
 */
export function orderByBlocker(sessions: readonly Session[]): Session[] {
  const listed = new Set(sessions.map(({pid}) => pid))
  const ordered: Session[] = []
  const placed = new Set<number>()
  const place = (session: Session, depth: number): void => {
    if (placed.has(session.pid)) return
    placed.add(session.pid)
    ordered.push({...session, depth, blocks: waitersFor(session.pid, sessions).size})
    for (const waiter of sessions) if (waiter.blockedBy.includes(session.pid)) place(waiter, depth + 1)
  }
  const blocked = ({blockedBy}: Session) => blockedBy.some((pid) => listed.has(pid))
  const blocksSome = ({pid}: Session) => sessions.some(({blockedBy}) => blockedBy.includes(pid))
  for (const session of sessions) if (!blocked(session) && blocksSome(session)) place(session, 0)
  // Then the sessions of cycles, and last those that neither block nor wait.
  for (const session of sessions) if (blocked(session)) place(session, 0)
  for (const session of sessions) place(session, 0)
  return ordered
}

/** All sessions that wait for a session, directly or through others. */
function waitersFor(pid: number, sessions: readonly Session[]): Set<number> {
  const found = new Set<number>()
  const queue = [pid]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const blocker = at
    for (const {pid: waiter, blockedBy} of sessions) {
      if (waiter === pid || found.has(waiter) || !blockedBy.includes(blocker)) continue
      found.add(waiter)
      queue.push(waiter)
    }
  }
  return found
}

/** The first session that blocks others and is not blocked itself. @param ordered by {@link orderByBlocker} */
export function firstBlocker(ordered: readonly Session[]): Session | null {
  return ordered.find(({blocks, depth}) => blocks > 0 && depth === 0) ?? null
}

/** The SQL that ends the wait. A session that is idle in transaction has no statement to cancel: it is terminated. */
export function endingSql({pid, state}: Pick<Session, 'pid' | 'state'>): string {
  return `select ${state === 'active' ? 'pg_cancel_backend' : 'pg_terminate_backend'}(${pid})`
}
