import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import type {Step} from '../plan/step.js'
import type {JobKind} from './kind.js'
import {chosen, declaredHere} from './tables.js'

/** The planner's statistics of the declared tables, renewed. */
export const job: JobKind<'analyze'> = {
  kind: 'analyze',
  summary: "Renews the planner's statistics of the declared tables.",
  async plan(db, {tables}, context) {
    const declared = (await declaredHere(db, context)).filter(({section}) => section === 'tables').map(({schema, name}) => ({schema, name}))
    const wanted = chosen(declared, tables, (schema, name) => ({schema, name}))
    const there = await db.query<{schema: string; name: string}>(statement(loadSql('daemon/existing'), [wanted.map(({schema}) => schema), wanted.map(({name}) => name)]))
    const missing = wanted.filter((one) => !there.some(({schema, name}) => schema === one.schema && name === one.name))
    // Of a hypertable every chunk is analysed; in one transaction that would hold all their locks to the end.
    const alone = !db.server.pooled || db.target.directUrl !== undefined
    return {
      plans: [{operation: 'analyze', summary: 'renew statistics', cutoff: null, locks: [], steps: there.map((table) => analyzeStep(table, alone))}],
      enforced: [],
      notes: missing.map(({schema, name}) => `${schema}.${name} is not in this database`),
    }
  },
}

export function analyzeStep({schema, name}: {schema: string; name: string}, alone: boolean): Step {
  return {
    id: `analyze ${schema}.${name}`,
    kind: 'analyze',
    object: `table ${schema}.${name}`,
    statements: [sql`analyze ${ident(schema, name)}`],
    lock: 'SHARE UPDATE EXCLUSIVE',
    class: 'safe',
    transaction: alone ? 'none' : 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [`${schema}.${name}`],
    bytes: null,
  }
}
