import fc from 'fast-check'
import {expect, it} from 'vitest'
import {readImport} from '../../../src/policies/declared/import.js'
import {configurable} from '../../../src/policies/kinds/rules.js'
import {parseDuration} from '../../../src/units/duration.js'
import {forEachEngine} from '../../helpers/engines.js'

it('an import writes a duration only if the configuration parses it back to the same duration', () => {
  const part = (max: number) => fc.oneof(fc.constant(0), fc.integer({min: 0, max}))
  const seconds = fc.oneof(
    part(200_000),
    part(200_000_000).map((micros) => micros / 1e6),
    part(90_000).map((millis) => millis / 1e3),
  )
  fc.assert(
    fc.property(part(13_000), part(800), seconds, (months, days, rest) => {
      const text = configurable({months, days, seconds: rest})
      if (text === null) return
      const read = parseDuration(text)
      expect(read.months).toBe(months)
      expect(Math.round((read.days * 86_400 + read.seconds) * 1e6)).toBe(Math.round((days * 86_400 + rest) * 1e6))
    }),
  )
  expect(configurable({months: 14, days: 3, seconds: 14_400})).toBeNull()
  expect(configurable({months: 0, days: 0, seconds: 0})).toBeNull()
  expect(configurable({months: 0, days: 0, seconds: 0.000_5})).toBe('500 microseconds')
  expect(configurable({months: 14, days: 3, seconds: 0})).toBe('14 months 3 days')
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('names a policy whose duration a configuration cannot express, and prints the rest', async () => {
    const {db, run} = await engine.database()
    await run(
      "create table odd (time timestamptz not null, v int); select create_hypertable('odd', 'time', chunk_time_interval => interval '1 day')",
    )
    await run('alter table odd set (timescaledb.compress)')
    await run("select add_compression_policy('odd', interval '14 months 3 days 4 hours')")
    await db.probe()
    const {entries, notes} = await readImport(db, {declared: [], maxDropPerRun: 8})
    expect(entries.map(({key, fields}) => ({key, fields}))).toEqual([
      {key: 'public.odd', fields: {chunkInterval: '1 day'}},
    ])
    expect(notes).toEqual([
      'public.odd compression: its age is 14 months 3 days 4 hours, which a configuration cannot express; it is not changed.',
    ])
  })
})
