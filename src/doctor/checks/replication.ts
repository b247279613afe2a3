import {pluralize} from '../../chunks/hypertable.js'
import {ident, quoteLiteral, sql} from '../../db/sql.js'
import {formatBytes} from '../../units/bytes.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding} from '../finding.js'
import {advice, objectOf} from '../shared.js'

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
  passes: 'No replication slot lacks its consumer and keeps more WAL than max_wal_size, or has lost WAL.',
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
      message: `The ${type} replication slot ${name} has no consumer and keeps ${formatBytes(kept_bytes)} of WAL (max_wal_size is ${formatBytes(limit_bytes)}): it grows until the disk is full.`,
      data,
      fix: advice(`Start its consumer, or, if it does not come back: ${drop}`),
    },
  ]
}

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
  problem: 'publications that list a hypertable and do not send its chunks',
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
        message: `The publication ${publication} lists it, and does not send ${missing} of its ${pluralize(count, 'chunk')}, made since: subscribers miss their rows.`,
        data: {publication, chunks: count, published},
        fix: advice(`From PostgreSQL 15 on this sends the chunks of every hypertable, also those to come: ${add}`),
      }
    })
}

export const replicationChecks: readonly Check[] = [slots, unpublishedChunks]
