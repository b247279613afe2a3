import {loadSql} from './load-sql.js'
import type {Server} from './server.js'
import type {Statement, Value} from './sql.js'

/** Names that core.1.15.0 changed: a role that may not migrate uses the former ones in an older qicore schema. */
const formerNames: readonly (readonly [current: RegExp, former: string])[] = [
  [/\bqicore\.job_schedule\b/g, 'qicore.job_calendar'],
  [/\brunner_explicit\b/g, 'told'],
]

/** The text of `sql/<name>.sql` with the names of the installed qicore schema. */
export function loadQicoreSql({formerJobTable}: Pick<Server, 'formerJobTable'>, name: string): string {
  const text = loadSql(name)
  return formerJobTable ? formerNames.reduce((all, [current, former]) => all.replace(current, former), text) : text
}

/** {@link loadQicoreSql} as a statement that a session keeps prepared: see `prepared`. */
export function preparedQicore(
  server: Pick<Server, 'formerJobTable'>,
  name: string,
  values: readonly Value[],
): Statement {
  return {
    text: loadQicoreSql(server, name),
    values,
    // The texts of a name must be equal in a session, also if the schema is migrated meanwhile.
    name: `qicore:${name}${server.formerJobTable ? ':former' : ''}`,
  }
}
