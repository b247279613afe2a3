import {timescaledbFunction} from '../db/server.js'
import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Refusal} from './refusals.js'
import type {Source} from './source.js'

interface HypertableRow {
  jobs: {id: number; name: string; scheduled: boolean}[]
  aggregates: {schema: string; name: string}[]
}

/** What forbids leaving TimescaleDB, and what ends with the hypertable. */
export async function leavingTimescaledb(
  db: Database,
  {schema, table, relation}: Source,
): Promise<{refusals: Refusal[]; notes: string[]}> {
  const [{jobs, aggregates}] = (await db.query<HypertableRow>(
    statement(loadSql('adopt/hypertable'), [schema, table]),
  )) as [HypertableRow]
  const dropping = jobs.filter(({name, scheduled}) => name === 'policy_retention' && scheduled)
  const alter = timescaledbFunction(db.server, 'alter_job').text
  return {
    refusals: [
      ...aggregates.map((view) => ({
        object: `continuous aggregate ${formatQualifiedName(view.schema, view.name)}`,
        reason: `it is computed from ${relation} by TimescaleDB and would not see the new set`,
        fix: `DROP MATERIALIZED VIEW ${formatQualifiedName(view.schema, view.name)}`,
      })),
      ...dropping.map(({id}) => ({
        object: `retention policy (job ${id})`,
        reason: 'it would drop chunks while they are copied and compared',
        fix: `SELECT ${alter}(${id}, scheduled => false)`,
      })),
    ],
    notes: [
      ...jobs.map(({id, name}) => `${name} (job ${id}) of TimescaleDB ends with the hypertable.`),
      'Compressed chunks are copied as ordinary rows: the new set needs the space that they need uncompressed.',
      'Changes that logical replication applies to a hypertable are not recorded, because its triggers cannot be ' +
        'ALWAYS.',
    ],
  }
}
