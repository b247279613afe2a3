import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {sqlDirectory} from '../../../src/db/load-sql.js'
import {differences, readSnapshot} from '../../../src/schema/catalog.js'
import {listedMigrations} from '../../../src/schema/migrate/checksums.js'
import {qicore} from '../../../src/qicore/definition.js'
import {forEachEngine} from '../../helpers/engines.js'
import {generate, replay} from '../../helpers/schema-replay.js'
import {inStatements} from './statements.js'

describe('the committed migrations', () => {
  it('create no policy, because policies apply does that', () => {
    for (const {path} of listedMigrations())
      expect(readFileSync(new URL(`migrations/${path}`, sqlDirectory), 'utf8'), path).not.toMatch(/add_\w+_policy/)
  })
})

forEachEngine({}, (engine) => {
  it('has the same objects after all migrations as after the generated schema', async () => {
    const one = await engine.database()
    await replay(one)
    const migrated = await readSnapshot(one.db, ['public', 'qicore'])

    const other = await engine.database()
    await replay(other, ['core'])
    await generate(other)
    const generated = await readSnapshot(other.db, ['public', 'qicore'])

    expect(differences(generated, migrated)).toEqual([])
    for (const {schema, name} of [...qicore.tables, ...qicore.aggregates])
      expect(Object.keys(migrated.relations)).toContain(`${schema}.${name}`)
  })

  it('detects every kind of difference between two databases', async () => {
    // Citus accepts no trigger on a distributed table.
    const guarded = engine.kind !== 'citus'
    const database = await engine.database()
    await replay(database)
    const before = await readSnapshot(database.db, ['public', 'qicore'])
    for (const text of await inStatements(`
      alter table public.exchanges alter name drop not null;
      alter table public.exchanges alter is_active set default false;
      alter table public.exchanges add motto text;
      alter table public.exchanges add constraint short check (length(name) < 100);
      create index exchanges_name_idx on public.exchanges (name);
      alter table public.crypto_prices drop constraint fk_crypto_prices_exchange;
      ${guarded ? 'drop trigger crypto_price_validation_trigger on public.crypto_prices;' : ''}
      create or replace function public.create_monthly_partition(table_name text, start_date date) returns regclass language sql as 'select null::regclass';
      drop view public.maintenance_log`))
      await database.run(text)
    if (engine.hypertables)
      await database.run(`select set_chunk_time_interval('public.level1_data', interval '6 hours')`)
    if (engine.kind === 'timescaledb')
      await database.run(`alter table public.market_analytics set (timescaledb.compress_segmentby = 'source')`)
    const after = await readSnapshot(database.db, ['public', 'qicore'])
    const found = differences(before, after).map(({object, path}) => `${object} ${path}`.trim())
    expect(found).toEqual([
      'public.create_monthly_partition(text,date)',
      'public.crypto_prices constraints.fk_crypto_prices_exchange',
      ...(guarded ? ['public.crypto_prices triggers.crypto_price_validation_trigger'] : []),
      'public.exchanges columns.is_active.default',
      'public.exchanges columns.motto',
      'public.exchanges columns.name.nullable',
      'public.exchanges constraints.short',
      'public.exchanges indexes.exchanges_name_idx',
      ...(!engine.hypertables ? [] : ['public.level1_data dimensions[0].interval']),
      'public.maintenance_log',
      ...(engine.kind === 'timescaledb' ? ['public.market_analytics compression.segmentBy'] : []),
    ])
  })
})
