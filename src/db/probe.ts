import {recogniseEngine} from '../engines/index.js'
import {loadSql} from './load-sql.js'
import {describeServer, type CitusRow, type ConditionRow, type Server, type ServerRow} from './server.js'
import {statement, type Statement} from './sql.js'
import {isConnectionLost} from './sqlstate.js'

type Ask = <Row extends object>(question: Statement) => Promise<Row[]>

/**
 * Asks a server what it is and in what condition its database is.
 * @param ask one question in a read-only transaction, without the corrections that `server.corrections` will name
 * @param processId the pid that the protocol's BackendKeyData named, null where there is none
 */
export async function readServer(ask: Ask, processId: number | null, embedded: boolean): Promise<Server> {
  const [row] = await ask<ServerRow>(statement(loadSql('db/server')))
  const {condition: name} = recogniseEngine(row!).sql
  const condition = name === null ? null : await readCondition(ask, name)
  const [citus] = row!.citus === null ? [] : await ask<CitusRow>(statement(loadSql('db/citus')))
  return describeServer(row!, processId, embedded, {condition, citus: citus ?? null})
}

/** Null where it cannot be known now: a root that was locked after it was seen free, a role that may not read. */
async function readCondition(ask: Ask, name: string): Promise<ConditionRow | null> {
  try {
    const [row] = await ask<ConditionRow>(statement(loadSql(name)))
    return row!
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}
