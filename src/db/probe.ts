import {loadSql} from './load-sql.js'
import {describeServer, type CitusRow, type ConditionRow, type ServerRow} from './describe-server.js'
import type {Server} from './server.js'
import {statement, type Statement} from './sql.js'
import {isConnectionLost} from './sqlstate.js'

type Ask = <Row extends object>(question: Statement) => Promise<Row[]>

/**
 * Reads the version, features and settings of a server and the condition of its database, in one round trip: no
 * statement depends on the answer of another.
 * @param ask runs one query in a read-only transaction of its own, without `server.corrections`, which are not known
 *   yet
 * @param processId the pid of the protocol's BackendKeyData; null if there is none
 */
export async function readServer(ask: Ask, processId: number | null, embedded: boolean): Promise<Server> {
  const answers = [
    ask<ServerRow>(statement(loadSql('db/server'))),
    readCondition(ask),
    ask<CitusRow>(statement(loadSql('db/citus'))),
  ] as const
  // The first failure is reported; the others follow from it.
  for (const answer of answers) answer.catch(() => {})
  const [row] = await answers[0]
  const condition = await answers[1]
  const [citus] = await answers[2]
  return describeServer(row!, processId, embedded, {condition, citus: citus ?? null})
}

/** Null if it cannot be read now: a root was locked after the check, or the role may not read it. */
async function readCondition(ask: Ask): Promise<ConditionRow | null> {
  try {
    const [row] = await ask<{condition: ConditionRow | null}>(statement(loadSql('db/condition')))
    return row!.condition
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}
