import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {formatQualifiedName} from '../../../src/db/qualified-name.js'
import {quoteLiteral} from '../../../src/db/sql.js'
import {callsIn} from '../../../src/db/sql-calls.js'
import {enforces, yieldsToDaemon} from '../../../src/policies/status/cron-duties.js'

const kinds = ['compression', 'retention', 'refresh'] as const
const key = 'public.ticks'

async function kindsOf(command: string, table = key): Promise<string[]> {
  const calls = await callsIn(command)
  return kinds.filter((kind) => calls.some((call) => enforces(call, kind, table)))
}

describe('a policy that pg_cron runs', () => {
  it.each([
    [`call qicore.retain(0, '{"object": "public.ticks"}'::jsonb)`, ['retention']],
    [`call qicore.retain(0, '{"object": "public.other", "job": "public.ticks"}'::jsonb)`, []],
    [`CALL refresh_continuous_aggregate('ticks', null, f() - interval '1 hour')`, ['refresh']],
    [
      `call public.refresh_continuous_aggregate(continuous_aggregate => '"public"."ticks"', window_start => null)`,
      ['refresh'],
    ],
    [`call refresh_continuous_aggregate('ticks_hourly', null, null)`, []],
    [`do $$ begin call refresh_continuous_aggregate('public.ticks', null, null); end $$`, ['refresh']],
    [`select qicore.refresh_aggregate('public.ticks'::regclass, f(), f())`, ['refresh']],
    [`call public.maintain_hypertables()`, ['compression']],
    [`call qicore.maintain(array['public.ticks'], 'm', exactly => true)`, ['compression']],
    [`call qicore.maintain(array['public.other'], 'm', exactly => true)`, []],
    [`call qicore.maintain(array['public.other'], 'm')`, ['compression']],
    [`call qicore.maintain(array['public.ticks'], 'm', work => 'analyze')`, []],
    [`call qicore.maintain(array['public.ticks'], 'm', 'analyze')`, []],
    [
      `insert into log values ('call qicore.retain(0, "public.ticks")') -- refresh_continuous_aggregate('public.ticks')`,
      [],
    ],
    [`this is no SQL: qicore.retain 'public.ticks'`, []],
  ])('is recognised by its call and arguments: %s', async (command, expected) => {
    expect(await kindsOf(command)).toEqual(expected)
  })

  it('is left to a daemon for calls that read the ledger first, and for no other', async () => {
    const yields = async (command: string) => (await callsIn(command)).map(yieldsToDaemon)
    expect(await yields(`call qicore.refresh('public.ticks', 'refresh')`)).toEqual([true])
    expect(await yields(`call qicore.retain(0, '{"object": "a", "job": "retain"}'::jsonb)`)).toEqual([true])
    expect(await yields(`call qicore.retain(0, '{"object": "job"}'::jsonb)`)).toEqual([false])
    expect(await yields(`call qicore.maintain(array['a'], 'm', work => 'compress')`)).toEqual([true])
    expect(await yields(`call qicore.maintain(array['work => '], 'm')`)).toEqual([false])
    expect(await yields(`call public.maintain_hypertables()`)).toEqual([false])
  })

  it('is found under every name that PostgreSQL accepts, and under no other', async () => {
    const name = fc.string({unit: 'grapheme', minLength: 1, maxLength: 20}).filter((text) => !text.includes('\0'))
    await fc.assert(
      fc.asyncProperty(name, name, name, async (schema, table, other) => {
        const named = formatQualifiedName(schema, table)
        const commands = [
          `call qicore.retain(0, ${quoteLiteral(JSON.stringify({object: named, job: 'retain'}))}::jsonb)`,
          `call qicore.refresh(${quoteLiteral(named)}, 'refresh')`,
          `call qicore.maintain(array[${quoteLiteral(named)}], 'maintain', exactly => true)`,
        ]
        const found = await Promise.all(commands.map((command) => kindsOf(command, named)))
        expect(found).toEqual([['retention'], ['refresh'], ['compression']])
        if (other === table) return
        const miss = await Promise.all(commands.map((command) => kindsOf(command, formatQualifiedName(schema, other))))
        expect(miss).toEqual([[], [], []])
      }),
      {numRuns: 50},
    )
  })
})
