import {plural} from '../../units/plural.js'
import {ident, quoteLiteral, sql} from '../../db/sql.js'
import {formatBytes} from '../../units/bytes.js'
import {durationInWords} from '../../units/duration.js'
import {instantInWords, type Instant} from '../../units/instant.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding} from '../finding.js'
import {advice, objectOf, sqlFix} from '../shared.js'

interface SlotRow {
  name: string
  type: 'physical' | 'logical'
  active: boolean
  wal_status: string | null
  kept_bytes: number | null
  limit_bytes: number
}

/** A slot without a consumer keeps WAL until the disk is full; one that lost its WAL cannot go on. */
const slots: Check = {
  id: 'replication.slot',
  passes: 'No replication slot without a consumer keeps more WAL than max_wal_size, and none has lost WAL.',
  problem: 'replication slots that keep WAL without a consumer, or have lost WAL',
  about: 'database',
  run: async ({ask}) => (await ask<SlotRow>('replication-slots')).flatMap(slotFindings),
}

function slotFindings({name, type, active, wal_status, kept_bytes, limit_bytes}: SlotRow): Finding[] {
  const data = {slot: name, type, active, keptBytes: kept_bytes, limitBytes: limit_bytes}
  const drop = `select pg_drop_replication_slot(${quoteLiteral(name)})`
  if (wal_status === 'lost')
    return [
      {
        severity: 'critical',
        object: null,
        message: `The ${type} replication slot ${name} has lost WAL that its consumer needs: the consumer cannot go on.`,
        data,
        fix: advice(`Make the consumer again from a new copy, then: ${drop}`),
      },
    ]
  if (active || kept_bytes === null || kept_bytes <= limit_bytes) return []
  return [
    {
      severity: 'warning',
      object: null,
      message:
        `The ${type} replication slot ${name} has no consumer and keeps ${formatBytes(kept_bytes)} of WAL ` +
        `(max_wal_size is ${formatBytes(limit_bytes)}): it grows until the disk is full.`,
      data,
      fix: advice(`Start its consumer, or, if it does not come back: ${drop}`),
    },
  ]
}

interface LagRow {
  name: string
  /** Null where this role may not see it. */
  state: string | null
  here: boolean
  paused: boolean
  behind_bytes: number | null
  behind_ms: number | null
  limit_bytes: number
  /** Of a standby: when the newest transaction that it has replayed was committed. */
  replayed: Instant | null
}

/** Queries on a standby read what is older than this, and a failover to it loses as much or waits for it. */
const longLag = 5 * 60_000

const lag: Check = {
  id: 'replication.lag',
  passes: 'Every standby and subscriber keeps up.',
  problem: 'standbys or subscribers that are behind',
  about: 'database',
  async run(context) {
    const rows = await context.ask<LagRow>('replication-lag')
    if (rows.some(({state}) => state === null)) context.needStatistics('how far standbys are behind')
    return rows.flatMap((row) => (row.here && !receives.has(row.state ?? '') ? [cutOff(row)] : lagFindings(row)))
  },
}

/** States of the WAL receiver of a standby to which WAL still comes, and of one that reads archived WAL only. */
const receives: ReadonlySet<string> = new Set(['streaming', 'archive'])

/** A standby to which no WAL comes: it has replayed all that it received, so its positions show no lag. */
function cutOff({state, replayed}: LagRow): Finding {
  return {
    severity: 'warning',
    object: null,
    message:
      'This server is a standby and receives no WAL, so queries read old rows. Its newest transaction is of ' +
      `${replayed === null ? 'an unknown time' : instantInWords(replayed)}.`,
    data: {state, replayedAt: replayed},
    fix: advice(
      'Find the reason in the log of this server: the primary is down, cannot be reached, or has removed WAL that the ' +
        'standby needs. In the last case take a new base backup, and give the standby a replication slot',
    ),
  }
}

export function lagFindings({name, state, here, paused, ...row}: LagRow): Finding[] {
  const {behind_bytes: bytes, behind_ms: ms, limit_bytes: limit} = row
  const late = ms !== null && ms >= longLag
  if (!late && (bytes === null || bytes <= limit)) return []
  const behind = [
    ...(bytes === null ? [] : [formatBytes(bytes)]),
    ...(ms === null ? [] : [durationInWords({months: 0, days: 0, seconds: Math.round(ms / 1000)})]),
  ].join(' and ')
  const of = here ? 'This server is a standby and is' : `The consumer ${name} of this server's WAL is`
  return [
    {
      severity: 'warning',
      object: null,
      message:
        `${of} ${behind} behind: queries there read old rows, and a failover loses or waits for the ` +
        `rest.${paused ? ' Its replay is paused.' : ''}`,
      data: {name, state, behindBytes: bytes, behindMs: ms, limitBytes: limit, paused},
      fix: paused
        ? sqlFix('select pg_wal_replay_resume()')
        : advice(
            'Look at the network and disk between them, and on the standby for a long query that holds replay ' +
              `back: ${oldestQueries}`,
          ),
    },
  ]
}

const oldestQueries =
  "select pid, xact_start, query from pg_stat_activity where backend_type = 'client backend' order by xact_start " +
  'limit 5'

interface PublishedRow {
  publication: string
  root: number
  chunks: number
  published: number
}

/** TimescaleDB lists the chunks that exist when a publication gets the hypertable, and none that are made later. */
const unpublishedChunks: Check = {
  id: 'replication.chunks_not_published',
  passes: 'Every publication that lists a hypertable sends its chunks.',
  problem: 'publications that list a hypertable but do not send its chunks',
  about: 'tables',
  applies: ({timescaledb}) => timescaledb !== null,
  run: unpublished,
}

async function unpublished({ask, snapshot}: CheckContext): Promise<Finding[]> {
  const hypertables = (await snapshot()).tables.filter(({kind}) => kind === 'hypertable')
  const chunks = hypertables.flatMap((table) => table.chunks.map(({relation}) => ({relation, root: table.relation})))
  const rows = await ask<PublishedRow>('published-roots', [
    hypertables.map(({relation}) => relation),
    chunks.map(({relation}) => relation),
    chunks.map(({root}) => root),
  ])
  return rows
    .filter(({chunks: count, published}) => published < count)
    .map(({publication, root, chunks: count, published}) => {
      const table = hypertables.find(({relation}) => relation === root)!
      const missing = count - published
      const add = sql`alter publication ${ident(publication)} add tables in schema _timescaledb_internal`.text
      return {
        severity: 'warning',
        object: objectOf(table),
        message:
          `The publication ${publication} lists it, and does not send ${missing} of its ` +
          `${plural(count, 'chunk')}, made since: subscribers miss their rows.`,
        data: {publication, chunks: count, published},
        fix: advice(`From PostgreSQL 15 on this sends the chunks of every hypertable, also those to come: ${add}`),
      }
    })
}

export const replicationChecks: readonly Check[] = [slots, lag, unpublishedChunks]
