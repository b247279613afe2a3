import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {loadConfig} from '../../../src/config/load.js'
import {OpsError} from '../../../src/errors.js'
import {allDefinitions, userTables} from '../../../src/schema/user-tables.js'
import {directoryWith} from '../../helpers/files.js'

const load = (text: string) => loadConfig(join(directoryWith({'qicore-db.config.yaml': text}), 'qicore-db.config.yaml'))

const ticks = `
version: 1
tables:
  public.crypto_prices: {retention: {after: 1 year}}
  desk_b.ticks:
    doc: What the desk saw.
    columns:
      - {name: id, type: bigserial}
      - {name: time, type: timestamptz}
      - {name: venue, type: varchar(20), doc: Where it was.}
      - {name: price, type: "decimal(20, 8)"}
      - {name: note, type: text, nullable: true, default: "'none'"}
    primaryKey: [id, time, venue]
    uniques: [{name: ticks_venue_time_key, columns: [venue, time]}]
    checks: [{name: ticks_price_positive, expression: price > 0}]
    indexes: [{name: ticks_time_idx, columns: [time desc]}]
    foreignKeys: [{name: ticks_venue_fkey, columns: [venue], references: {schema: public, table: exchanges, columns: [id]}}]
    hypertable: {time: time, space: {column: venue, partitions: 2}}
    chunkInterval: 1 day
    partitions: {every: day, ahead: 5}
    compression: {after: 7 days, segmentBy: [venue]}
    retention: {after: 90 days}
  '"Odd Schema"."a.b ""c"""':
    columns: [{name: 'x y', type: integer}]
    primaryKey: ['x y']
`

const problems = async (text: string) => {
  const error = await load(text).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OpsError)
  return (error as OpsError).message
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^- /, ''))
}

describe('a table in the configuration', () => {
  it('is a definition, with its policies in the fields beside it', async () => {
    const {tables} = userTables((await load(ticks)).tables)
    expect(tables).toHaveLength(2)
    expect(tables[0]).toMatchObject({
      schema: 'desk_b',
      name: 'ticks',
      primaryKey: ['id', 'time', 'venue'],
      hypertable: {
        time: 'time',
        space: {column: 'venue', partitions: 2},
        chunkInterval: '1d',
        partitions: {period: 'day', ahead: 5},
      },
      compression: {after: '7d', segmentBy: ['venue'], orderBy: ['time desc', 'id desc']},
      retention: {after: '90d'},
    })
    expect(tables[1]).toMatchObject({
      schema: 'Odd Schema',
      name: 'a.b "c"',
      doc: 'a.b "c"',
      columns: [{name: 'x y', type: 'integer'}],
    })
    expect(allDefinitions((await load(ticks)).tables).tables.map(({name}) => name)).toEqual([
      'exchanges',
      'crypto_prices',
      'ohlcv_data',
      'market_analytics',
      'level1_data',
      'ticks',
      'a.b "c"',
    ])
  })

  it('has all mistakes reported together, with lines and paths', async () => {
    expect(
      await problems(`version: 1
tables:
  desk.a:
    columns:
      - {name: time, type: timestamptz}
      - {name: venue, type: money}
      - {name: price, type: numeric, size: 5}
    hypertable: {time: time}
  desk.b:
    columns: [{name: time, type: timestamptz}, {name: id, type: bigint}]
    primaryKey: [id]
    indexes: [{name: b_idx, columns: [tme desc]}]
    hypertable: {time: time}
    chunkInterval: 7 days
    compression: {after: 7 days, segmentBy: [venue]}
    retention: {after: 1 day}
  desk.c: {primaryKey: [id]}
  public.crypto_prices: {columns: [{name: id, type: bigint}], primaryKey: [id]}
`),
    ).toEqual([
      expect.stringMatching(/^line \d+: tables\.desk\.a: it has columns, but no primaryKey/) as string,
      expect.stringMatching(/^line 6: tables\.desk\.a\.columns\.1\.type: "money" is not a known type/) as string,
      expect.stringMatching(/^line 7: tables\.desk\.a\.columns\.2\.size: is not a field here/) as string,
      expect.stringMatching(/^line 11: tables\.desk\.b\.primaryKey: it must include time/) as string,
      expect.stringMatching(
        /^line 12: tables\.desk\.b\.indexes\.0\.columns\.0: "tme desc" is not a column of b/,
      ) as string,
      expect.stringMatching(/^line 15: tables\.desk\.b\.compression\.segmentBy\.0: b has no column "venue"/) as string,
      expect.stringMatching(/^line 15: tables\.desk\.b\.compression\.after: rows are dropped after 1 day/) as string,
      expect.stringMatching(/^line 16: tables\.desk\.b\.retention\.after: 1 day is shorter than a chunk/) as string,
      expect.stringMatching(/^line 17: tables\.desk\.c\.primaryKey: it describes a table/) as string,
      expect.stringMatching(
        /^line 18: tables\.public\.crypto_prices: public\.crypto_prices is defined twice/,
      ) as string,
    ])
  })
})
