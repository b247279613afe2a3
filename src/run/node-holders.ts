import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {inline, statement} from '../db/sql.js'
import type {LockHolder} from './lock-holder.js'
import type {Step} from './step.js'

/** The row of sql/run/cluster-lock-holders.sql. */
export interface NodeHolders {
  /** Citus' number of the node. */
  id: number
  /** `10.0.0.2:5432`. */
  node: string
  /** The node to which this session is connected. */
  local: boolean
  /** JSON; null if the node did not answer. */
  result: string | null
}

/** A global pid of Citus is the number of the node, then ten digits of the pid. */
const pidsPerNode = 10_000_000_000

/**
 * The sessions that hold the locks which a step needs on nodes of Citus; none in a database without Citus.
 * @param known the pids of sessions on this node that are already found
 */
export async function readNodeHolders(db: Database, step: Step, known: ReadonlySet<number>): Promise<LockHolder[]> {
  if (db.server.citus === null) return []
  const onNode = inline(statement(loadSql('run/node-lock-holders'), [step.relations, step.lock]))
  return holdersOf(await db.query<NodeHolders>(statement(loadSql('run/cluster-lock-holders'), [onNode])), known)
}

/**
 * One row a session. A session of Citus that works for another session is replaced by that one, which an operator can
 * end; its locks on several nodes are one row.
 */
export function holdersOf(nodes: readonly NodeHolders[], known: ReadonlySet<number>): LockHolder[] {
  const found = new Map<string, LockHolder>()
  for (const {id, node, result} of nodes)
    for (const {gpid, ...holder} of JSON.parse(result ?? '[]') as (LockHolder & {gpid: string | null})[]) {
      const [origin, pid] = gpid === null ? [id, holder.pid] : originOf(Number(gpid))
      const at = nodes.find((each) => each.id === origin)
      const isKnown = (at?.local ?? false) && known.has(pid)
      const key = `${origin}/${pid}`
      if (isKnown || found.has(key)) continue
      const place = at?.node ?? node
      const relation = place === node ? holder.relation : `${holder.relation} of ${node}`
      found.set(key, {...holder, pid: at === undefined ? holder.pid : pid, node: place, relation})
    }
  return [...found.values()]
}

function originOf(gpid: number): [node: number, pid: number] {
  return [Math.floor(gpid / pidsPerNode), gpid % pidsPerNode]
}
