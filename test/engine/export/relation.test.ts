import {readFileSync, readdirSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {exportRelation} from '../../../src/export/export-relation.js'
import type {ExportFormat} from '../../../src/export/settings.js'
import type {Subject} from '../../../src/export/source.js'
import {forEachEngine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'

const options = {lockTimeout: 2_000}
const subject = (relation: string): Subject => ({relation, from: null, to: null})

/** Values at the edges of each type, and null in each column. */
const everyType = `
create type mood as enum ('calm', 'very "loud"');
create domain price as numeric(12, 4);
create table every_type (
  b bool, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric, n10 numeric(10, 3), n38 numeric(38, 10),
  neg numeric(5, -2), d date, t time, tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid, x bytea,
  txt text, vc varchar(20), c char(5), nm name, j json, jb jsonb, e mood, p price, ia int[], ta text[], fa float8[],
  r tstzrange, ip inet, bits bit(3), m money, "select ""it""" text
);
insert into every_type values
  (true, -32768, -2147483648, -9223372036854775808, 4294967295, 'NaN', '-Infinity', 'NaN', -0.001, -1234567890123456789012345678.0123456789,
   12300, '0001-01-01 BC', '23:59:59.999999', '23:59:59.999999+02', '4713-01-01 BC', '2024-02-29 12:00:00.123456+05', '1 mon -2 days 3:04:05.6',
   '00000000-0000-0000-0000-000000000001', '\\x00ff22', E'line\\nbreak, "quote" \\\\ ''x''', 'ü€😀', 'ab', 'name', '{"b": 1,  "a": [1, null]}', '{"b": 1, "a": "\\u0001"}',
   'very "loud"', 12.3456, '{1,null,3}', '{a,"b,c",NULL,"NULL"}', '{0.1,NaN,1e300}', '[2024-01-01,)', '10.0.0.1/8', '101', '12.34', 'q'),
  (false, 32767, 2147483647, 9223372036854775807, 0, 1.1, 5e-324, 1e-20, 0, 0, 0, '294276-01-01', '00:00', '00:00+00', '2024-01-01 00:00:00.000001',
   '1970-01-01Z', '0', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '', '', '', '', '', 'null', 'null', 'calm', -0.0001, '{}', '{}', '{}', 'empty', '::1', '000', '0', '');
insert into every_type (f4, f8, txt, vc) values ('-0', '-0', E'\\\\.', ' blank ');
insert into every_type default values`

forEachEngine({}, (engine) => {
  for (const format of ['parquet', 'csv'] as const) {
    it(`a table of every type is written as ${format}, read back and found by the next run`, async () => {
      const {db, run} = await engine.database()
      await run(everyType)
      const to = temporaryDirectory()
      const settings = {to, format}
      const first = await exportRelation(db, settings, subject('public.every_type'), options)
      expect(first.status).toBe('exported')
      expect(first.manifest).toMatchObject({state: 'verified', rows: 4, format})
      const again = await exportRelation(db, settings, subject('public.every_type'), options)
      expect(again.status).toBe('found')
      expect(again.location).toBe(first.location)
      expect(filesIn(to)).toHaveLength(2)
    })
  }

  it('infinity, NaN and 24:00, which Parquet does not have, make their column text', async () => {
    const {db, run} = await engine.database()
    await run(`create table odd (d date, ts timestamptz, n numeric(6, 2), t time);
      insert into odd values ('infinity', '-infinity', 'NaN', '24:00'), ('2024-01-01', '2024-01-01Z', 1.5, '12:00')`)
    const {manifest} = await exportRelation(
      db,
      {to: temporaryDirectory(), format: 'parquet'},
      subject('public.odd'),
      options,
    )
    expect(manifest.columns.map(({stored, asText}) => [stored, asText !== null])).toEqual(
      Array.from({length: 4}, () => ['text', true]),
    )
  })

  it('rows that were written since are exported beside the first file, which stays', async () => {
    const {db, run} = await engine.database()
    await run(`create table t (id int, name text); insert into t select g, 'n' || g from generate_series(1, 10) g`)
    const settings = {to: temporaryDirectory(), format: 'csv' as ExportFormat}
    const first = await exportRelation(db, settings, subject('public.t'), options)
    const before = readFileSync(first.location)
    await run(`insert into t values (11, null)`)
    const second = await exportRelation(db, settings, subject('public.t'), options)
    expect(second.location).not.toBe(first.location)
    expect(second.manifest.rows).toBe(11)
    expect(readFileSync(first.location)).toEqual(before)
    expect(second.manifest.supersedes).not.toBeNull()
  })
})

function filesIn(directory: string): string[] {
  return readdirSync(directory, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
