import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {timePartitionEntries, type CronEntry, type TimePartitionCall} from '../../../src/catalog/cron-entries.js'
import {formatQualifiedName} from '../../../src/db/qualified-name.js'
import {quoteLiteral} from '../../../src/db/sql.js'

const entry = (command: string): CronEntry => ({id: 1, name: 'x', schedule: '0 0 1 * *', command})

async function found(command: string): Promise<TimePartitionCall[]> {
  return (await timePartitionEntries([entry(command)])).map(({does, key, after}) => ({does, key, after}))
}

const months = (count: number) => ({months: count, days: 0, seconds: 0})
const year = months(12)

describe('an entry of pg_cron that looks after partitions', () => {
  it.each<[string, TimePartitionCall['does'], TimePartitionCall['after']]>([
    [`select create_time_partitions('t', '1 month', now() + '12 months')`, 'creation', null],
    [`CALL drop_old_time_partitions('t', now() - interval '12 months')`, 'retention', year],
    [`call pg_catalog.drop_old_time_partitions('public.t'::regclass, now() - '1 year'::interval)`, 'retention', year],
    [
      `call drop_old_time_partitions(older_than => current_timestamp - interval '1 y', table_name => '"t"')`,
      'retention',
      year,
    ],
    [
      `call alter_old_partitions_set_access_method('t', now() - interval '6 months', 'columnar')`,
      'compression',
      months(6),
    ],
    [`do $$ begin call drop_old_time_partitions('t', now() - interval '1 year'); end $$`, 'retention', year],
  ])('is recognised by its call: %s', async (command, does, after) => {
    expect(await found(command)).toEqual([{does, key: 'public.t', after}])
  })

  it.each([
    `now()`,
    `'2026-01-01'`,
    `null`,
    `now() + interval '1 year'`,
    `interval '1 year' - now()`,
    `date_trunc('month', now()) - interval '1 year'`,
    `clock_timestamp() - interval '1 year'`,
    `mine.now() - interval '1 year'`,
    `(now() - interval '1 year')::date`,
    `now() - interval '1 year' - interval '1 day'`,
    `now() - interval '12' month`,
    `now() - interval(0) '1 year'`,
    `now() - '1 year'`,
    `now() - make_interval(years => 1)`,
    `now() - interval '1 year ago'`,
    `now() - interval '1 m'`,
    `now() - interval 'P1Y'`,
    `now() - interval '12'`,
    `now() OPERATOR(mine.-) interval '1 year'`,
  ])('has an unknown age for %s', async (age) => {
    expect(await found(`call drop_old_time_partitions('t', ${age})`)).toEqual([
      {does: 'retention', key: 'public.t', after: null},
    ])
  })

  it.each([
    `call alter_old_partitions_set_access_method('t', now() - interval '6 months', 'heap')`,
    `call mine.drop_old_time_partitions('t', now() - interval '1 year')`,
    `call drop_old_time_partitions(the_table(), now() - interval '1 year')`,
    `select 'drop_old_time_partitions(''t'', now())' -- call drop_old_time_partitions('t', now())`,
    `drop_old_time_partitions('t', now() - interval '1 year')`,
    `vacuum t`,
  ])('is not recognised in %s', async (command) => {
    expect(await found(command)).toEqual([])
  })

  it('has the table under every name that PostgreSQL accepts, and the age in every unit', async () => {
    const name = fc.string({unit: 'grapheme', minLength: 1, maxLength: 20}).filter((text) => !text.includes('\0'))
    const unit = fc.constantFrom(['year', 12, 0], ['months', 1, 0], ['weeks', 0, 7], ['day', 0, 1] as const)
    await fc.assert(
      fc.asyncProperty(name, name, fc.integer({min: 1, max: 500}), unit, async (schema, table, count, of) => {
        const key = formatQualifiedName(schema, table)
        const [word, monthsOf, daysOf] = of as [string, number, number]
        expect(
          await found(`call drop_old_time_partitions(${quoteLiteral(key)}, now() - interval '${count} ${word}')`),
        ).toEqual([{does: 'retention', key, after: {months: count * monthsOf, days: count * daysOf, seconds: 0}}])
      }),
      {numRuns: 50},
    )
  })
})
