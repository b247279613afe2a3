import {longestStatement, type ReportTable} from '../units/report-table.js'
import type {QueryStats} from './queries.js'

export const queriesTable: ReportTable<QueryStats> = {
  columns: [
    {id: 'total_ms', heading: 'TOTAL', type: 'milliseconds', value: (row) => row.totalMs},
    {id: 'mean_ms', heading: 'MEAN', type: 'milliseconds', value: (row) => row.meanMs},
    {id: 'min_ms', heading: 'MIN', type: 'milliseconds', show: 'room', value: (row) => row.minMs, priority: 4},
    {id: 'max_ms', heading: 'MAX', type: 'milliseconds', show: 'room', value: (row) => row.maxMs, priority: 1},
    {id: 'calls', heading: 'CALLS', type: 'count', value: (row) => row.calls},
    {id: 'rows', heading: 'ROWS', type: 'count', value: (row) => row.rows, priority: 2},
    {
      id: 'share_percent',
      heading: 'SHARE',
      type: 'percent',
      value: (row) => row.sharePercent,
      priority: 1,
    },
    {
      id: 'shared_blocks_hit',
      heading: 'HIT',
      type: 'count',
      show: 'room',
      value: (row) => row.sharedBlocksHit,
      priority: 3,
    },
    {
      id: 'shared_blocks_read',
      heading: 'READ',
      type: 'count',
      show: 'room',
      value: (row) => row.sharedBlocksRead,
      priority: 2,
    },
    {
      id: 'temp_blocks_written',
      heading: 'TEMP',
      type: 'count',
      show: 'room',
      value: (row) => row.tempBlocksWritten,
      priority: 3,
    },
    {id: 'roles', heading: 'ROLES', type: 'list', show: 'room', value: (row) => row.roles, shrink: 8, priority: 5},
    {id: 'query_id', heading: 'QUERY ID', type: 'text', show: 'data', value: (row) => row.queryId},
    {
      id: 'top_level',
      heading: 'TOP LEVEL',
      type: 'flag',
      show: 'data',
      value: (row) => row.topLevel,
    },
    {
      id: 'query',
      heading: 'QUERY',
      type: 'text',
      value: (row) => row.query,
      text: queryText,
      shrink: 20,
      longest: longestStatement,
    },
  ],
}

function queryText({query, queryId, topLevel}: QueryStats): string {
  const hidden = queryId === null ? '(texts of other roles)' : `(query ${queryId})`
  const text = query?.replace(/\s+/g, ' ').trim() ?? hidden
  return topLevel === false ? `> ${text}` : text
}
