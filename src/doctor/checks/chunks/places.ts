import {plural} from '../../../units/plural.js'
import {formatName, formatQualifiedName} from '../../../db/qualified-name.js'
import {can} from '../../../engines/index.js'
import {formatBytes} from '../../../units/bytes.js'
import type {Check} from '../../check.js'
import type {Finding} from '../../finding.js'
import {advice, objectOf, partNoun, sqlFix} from '../../shared.js'

interface DetachedRow {
  schema: string
  name: string
  hypertable: number | null
  bytes: number | null
}

interface TablespaceRow {
  root: number
  tablespace: string
  home: string
  chunks: number
  names: string[]
}

export const placeChecks: readonly Check[] = [
  {
    id: 'chunks.detached',
    about: 'tables',
    applies: ({engine}) => can(engine, 'hypertables'),
    passes: 'Every table with the name of a chunk belongs to a hypertable.',
    problem: 'chunks that belong to no hypertable',
    async run(context) {
      const {tables} = await context.snapshot()
      const known = tables.flatMap(({chunks}) =>
        chunks.flatMap(({relation, compressed}) => (compressed === null ? [relation] : [relation, compressed])),
      )
      const rows = await context.ask<DetachedRow>('detached-chunks', [known])
      return rows.flatMap((row): Finding[] => {
        const table = tables.find(({id}) => id !== null && id === row.hypertable)
        // Of one table only what its number says to be of it.
        if (context.request.table !== undefined && table === undefined) return []
        const name = formatQualifiedName(row.schema, row.name)
        return [
          {
            severity: 'warning',
            object: table === undefined ? {schema: row.schema, table: row.name} : objectOf(table),
            message:
              `${name} has the name of a chunk and belongs to no hypertable: it was detached, or a drop left it. ` +
              `It takes ${row.bytes === null ? 'an unknown number of bytes' : formatBytes(row.bytes)}, and no ` +
              'query of the table sees its rows.',
            data: {relation: name, bytes: row.bytes},
            fix: advice(
              'To restore its rows (TimescaleDB 2.21 or newer), call attach_chunk. If they are not needed: drop ' +
                `table ${name}`,
            ),
          },
        ]
      })
    },
  },
  {
    id: 'chunks.tablespace',
    about: 'tables',
    passes: 'Chunks and partitions are in the tablespace of their table, or in one that is attached to it.',
    problem: 'chunks in a different tablespace than their table',
    async run(context) {
      const {tables} = await context.snapshot()
      const pairs = tables.flatMap(({relation: root, chunks}) => chunks.map(({relation}) => ({relation, root})))
      if (pairs.length === 0) return []
      const hypertables = can(context.server.engine, 'hypertables')
      const [rows, attached] = await Promise.all([
        context.ask<TablespaceRow>('chunk-tablespaces', [
          pairs.map(({relation}) => relation),
          pairs.map(({root}) => root),
        ]),
        hypertables ? context.ask<{id: number; tablespace: string}>('attached-tablespaces') : [],
      ])
      return rows.flatMap((row): Finding[] => {
        const table = tables.find(({relation}) => relation === row.root)!
        if (attached.some(({id, tablespace}) => id === table.id && tablespace === row.tablespace)) return []
        const rest = row.chunks - row.names.length
        return [
          {
            severity: 'warning',
            object: objectOf(table),
            message:
              `${plural(row.chunks, partNoun(table))} of ${table.chunks.length} ` +
              `${row.chunks === 1 ? 'is' : 'are'} in the tablespace ${row.tablespace}; the table is in ` +
              `${row.home}. Moving one back locks it ` +
              `until it is moved.${rest > 0 ? ` The fix is for the first ${row.names.length}.` : ''}`,
            data: {tablespace: row.tablespace, tableTablespace: row.home, chunks: row.chunks},
            fix: sqlFix(
              row.names.map((name) => `alter table ${name} set tablespace ${formatName(row.home)}`).join('; '),
            ),
          },
        ]
      })
    },
  },
]
