import type {Session} from './sessions.js'

/**
 * The sessions in the order of a tree: who blocks stands before who waits, with `depth` and `blocks` filled in. A
 * session that waits for several stands once, below the first of them in the given order; a circle, which PostgreSQL
 * ends as a deadlock within a second, begins at its first session.
 * @param sessions in the order in which roots and siblings are to appear
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
  // What is left of a circle, and then those that have to do with no other.
  for (const session of sessions) if (blocked(session)) place(session, 0)
  for (const session of sessions) place(session, 0)
  return ordered
}

/** All that wait for a session, by way of others too. */
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

/** The session that others wait for and that waits for none itself. @param ordered by {@link orderByBlocker} */
export function firstBlocker(ordered: readonly Session[]): Session | null {
  return ordered.find(({blocks, depth}) => blocks > 0 && depth === 0) ?? null
}

/** The SQL that ends the wait: one that is idle in its transaction has no statement to cancel. */
export function endingSql({pid, state}: Pick<Session, 'pid' | 'state'>): string {
  return `select ${state === 'active' ? 'pg_cancel_backend' : 'pg_terminate_backend'}(${pid})`
}
