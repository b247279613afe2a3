import {recogniseEngine} from '../engines/index.js'
import {loadSql} from './load-sql.js'
import {describeServer, type CitusRow, type ConditionRow, type Server, type ServerRow} from './server.js'
import {statement, type Statement} from './sql.js'
import {isConnectionLost} from './sqlstate.js'

type Ask = <Row extends object>(question: Statement) => Promise<Row[]>

/**
 * Reads the version, features and settings of a server and the condition of its database.
 * @param ask runs one query in a read-only transaction, without `server.corrections`, which are not known yet
 * @param processId the pid of the protocol's BackendKeyData; null if there is none
 */
export async function readServer(ask: Ask, processId: number | null, embedded: boolean): Promise<Server> {
  const [row] = await ask<ServerRow>(statement(loadSql('db/server')))
  const {condition: name} = recogniseEngine(row!).sql
  const condition = name === null ? null : await readCondition(ask, name)
  const [citus] = row!.citus === null ? [] : await ask<CitusRow>(statement(loadSql('db/citus')))
  return describeServer(row!, processId, embedded, {condition, citus: citus ?? null})
}

/** Null if it cannot be read now: a root was locked after the check, or the role may not read it. */
async function readCondition(ask: Ask, name: string): Promise<ConditionRow | null> {
  try {
    const [row] = await ask<ConditionRow>(statement(loadSql(name)))
    return row!
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}
