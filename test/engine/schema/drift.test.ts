import {expect, it} from 'vitest'
import {createTables} from '../../../src/schema/generate/new-tables.js'
import type {SchemaDefinition, TableDefinition} from '../../../src/schema/definition.js'
import {qicore} from '../../../src/qicore/definition.js'
import {verifySchema} from '../../../src/schema/verify.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'
import {inStatements} from './statements.js'

/** A change by hand and how it is reported: `fix` if a statement that undoes it is printed. */
interface Damage {
  sql: string
  /** `object path` */
  found: string
  fix?: boolean
  kinds?: readonly Engine['kind'][]
}

const venues: TableDefinition = {
  schema: 'desk',
  name: 'venues',
  doc: '',
  columns: [
    {name: 'id', type: 'integer'},
    {name: 'code', type: 'varchar(10)'},
    {name: 'label', type: 'text', nullable: true},
    {name: 'opened', type: 'date', default: "'2020-01-01'"},
    {name: 'constructor', type: 'text', nullable: true},
    {name: 'x', type: 'integer', default: '1'},
    {name: 'x.default', type: 'integer', nullable: true},
  ],
  primaryKey: ['id'],
  uniques: [
    {name: 'venues_code_key', columns: ['code']},
    {name: 'venues_label_key', columns: ['label']},
  ],
  checks: [
    {name: 'venues_id_positive', expression: 'id > 0'},
    {name: 'venues_code_upper', expression: 'code = upper(code)'},
    {name: 'venues_opened', expression: "opened > '1900-01-01'"},
  ],
  indexes: [
    {name: 'venues_label_idx', columns: ['label']},
    {name: 'venues_opened_idx', columns: ['opened desc']},
    {name: 'venues_code_idx', columns: ['code', 'id']},
  ],
}
const desks: TableDefinition = {
  schema: 'desk',
  name: 'desks',
  doc: '',
  columns: [
    {name: 'id', type: 'integer'},
    {name: 'venue', type: 'integer'},
    {name: 'desk', type: 'integer'},
  ],
  primaryKey: ['id'],
  indexes: [{name: 'desks_desk_idx', columns: ['desk']}],
  foreignKeys: [
    {name: 'desks_venue_fkey', columns: ['venue'], references: {schema: 'desk', table: 'venues', columns: ['id']}},
  ],
}
// With the name that the other object has when both parts are joined by a dot.
const dotted: TableDefinition[] = [
  {schema: 'desk', name: 'a.b', doc: '', columns: [{name: 'one', type: 'integer'}], primaryKey: ['one']},
  {schema: 'desk.a', name: 'b', doc: '', columns: [{name: 'two', type: 'integer'}], primaryKey: ['two']},
]
const own = [venues, desks, ...dotted]
const definitions: SchemaDefinition = {...qicore, tables: [...qicore.tables, ...own]}

const timescale = ['timescaledb', 'apache'] as const
const damages: Damage[] = [
  // Columns
  {sql: 'alter table desk.venues drop column x', found: 'desk.venues columns.x', fix: true},
  {sql: 'alter table desk.venues add column x_extra int', found: 'desk.venues columns.x_extra'},
  {sql: 'alter table desk.venues drop column constructor', found: 'desk.venues columns.constructor', fix: true},
  {
    sql: "alter table desk.venues alter opened set default '1999-01-01'",
    found: 'desk.venues columns.opened.default',
    fix: true,
  },
  {sql: "alter table desk.venues alter code set default 'X'", found: 'desk.venues columns.code.default'},
  {sql: 'alter table desk.venues alter label set not null', found: 'desk.venues columns.label.nullable', fix: true},
  {sql: 'alter table desk.venues alter code drop not null', found: 'desk.venues columns.code.nullable'},
  {sql: 'alter table desk.venues alter code type varchar(20)', found: 'desk.venues columns.code.type'},
  {sql: 'alter table desk.venues alter label type text collate "C"', found: 'desk.venues columns.label.type'},
  {sql: 'alter table desk."a.b" add column two int', found: 'desk."a.b" columns.two'},
  {sql: 'alter table "desk.a".b add column one int', found: '"desk.a".b columns.one'},
  {sql: 'alter table desk.desks drop column desk', found: 'desk.desks columns.desk'},
  {sql: 'select 1 -- with its column', found: 'desk.desks indexes.desks_desk_idx'},
  // Constraints
  {
    sql: 'alter table desk.venues drop constraint venues_id_positive',
    found: 'desk.venues constraints.venues_id_positive',
    fix: true,
  },
  {
    sql: 'alter table desk.venues drop constraint venues_code_upper, add constraint venues_code_upper check (code = lower(code))',
    found: 'desk.venues constraints.venues_code_upper',
  },
  {
    sql: "alter table desk.venues drop constraint venues_opened, add constraint venues_opened check (opened > '1900-01-01') not valid",
    found: 'desk.venues constraints.venues_opened',
    fix: true,
  },
  {sql: 'alter table desk.venues add constraint more check (id < 100)', found: 'desk.venues constraints.more'},
  {sql: 'alter table desk.venues drop constraint venues_label_key', found: 'desk.venues constraints.venues_label_key'},
  {
    sql: 'alter table desk.venues drop constraint venues_code_key, add constraint venues_code_key unique (code, id)',
    found: 'desk.venues constraints.venues_code_key',
  },
  {
    sql: 'alter table desk.desks drop constraint desks_venue_fkey, add constraint desks_venue_fkey foreign key (venue) references desk.venues (id) on delete cascade',
    found: 'desk.desks constraints.desks_venue_fkey',
  },
  {
    sql: 'alter table public.ohlcv_data drop constraint fk_ohlcv_data_exchange',
    found: 'public.ohlcv_data constraints.fk_ohlcv_data_exchange',
  },
  // Indexes
  {sql: 'drop index desk.venues_label_idx', found: 'desk.venues indexes.venues_label_idx', fix: true},
  {
    sql: 'drop index desk.venues_opened_idx; create index venues_opened_idx on desk.venues (opened)',
    found: 'desk.venues indexes.venues_opened_idx',
  },
  {sql: 'create unique index venues_more_idx on desk.venues (id, code)', found: 'desk.venues indexes.venues_more_idx'},
  {
    sql: "update pg_index set indisvalid = false where indexrelid = 'desk.venues_code_idx'::regclass",
    found: 'desk.venues indexes.venues_code_idx',
    fix: true,
  },
  {
    sql: 'drop index public.idx_crypto_prices_symbol_time',
    found: 'public.crypto_prices indexes.idx_crypto_prices_symbol_time',
    fix: true,
  },
  // Triggers and routines
  {
    sql: 'alter table public.crypto_prices disable trigger crypto_price_validation_trigger',
    found: 'public.crypto_prices triggers.crypto_price_validation_trigger',
    fix: true,
    kinds: ['postgres'],
  },
  {
    sql: 'drop trigger crypto_price_validation_update_trigger on public.crypto_prices',
    found: 'public.crypto_prices triggers.crypto_price_validation_update_trigger',
    fix: true,
    kinds: ['timescaledb', 'apache', 'postgres'],
  },
  {
    sql: 'create function desk.noop() returns trigger language plpgsql as $$ begin return new; end $$; create trigger mine before insert on desk.desks for each row execute function desk.noop()',
    found: 'desk.desks triggers.mine',
  },
  {
    sql: "create or replace function public.create_monthly_partition(table_name text, start_date date) returns regclass language sql as 'select null::regclass'",
    found: 'public.create_monthly_partition(text,date)',
    fix: true,
  },
  {
    sql: "drop function public.create_monthly_partition(regclass, date); create function public.create_monthly_partition(regclass, date) returns int language sql as 'select 1'",
    found: 'public.create_monthly_partition(regclass,date)',
  },
  {sql: 'drop procedure public.maintain_hypertables()', found: 'public.maintain_hypertables()', fix: true},
  // Hypertables and partitions
  {
    sql: "select set_chunk_time_interval('public.level1_data', interval '6 hours')",
    found: 'public.level1_data dimensions[0].interval',
    fix: true,
    kinds: timescale,
  },
  {
    sql: "alter table public.market_analytics set (timescaledb.compress_segmentby = 'source')",
    found: 'public.market_analytics compression.segmentBy',
    kinds: ['timescaledb'],
  },
  {
    sql: 'drop table public.market_analytics; create table public.market_analytics (like public.level1_data)',
    found: 'public.market_analytics kind',
    kinds: ['apache', 'postgres'],
  },
  // Aggregates and views
  {
    sql: 'alter materialized view public.hourly_price_averages set (timescaledb.materialized_only = false)',
    found: 'public.hourly_price_averages materializedOnly',
    fix: true,
    kinds: ['timescaledb'],
  },
  {
    sql: 'drop view public.hourly_price_averages; create view public.hourly_price_averages as select * from qicore.hourly_price_averages_data where false',
    found: 'public.hourly_price_averages definition',
    kinds: ['apache', 'postgres'],
  },
  {sql: 'drop view public.maintenance_log', found: 'public.maintenance_log', fix: true},
]

const applies = (engine: Engine) => damages.filter(({kinds}) => kinds === undefined || kinds.includes(engine.kind))

async function made(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database)
  for (const text of createTables(own, engine.kind)) await database.run(text)
  return database
}

forEachEngine({}, (engine) => {
  it('reports every change by hand, and each printed statement undoes the difference beside it', async () => {
    const database = await made(engine)
    expect(await verifySchema(database.db, definitions)).toEqual([])
    for (const damage of applies(engine)) for (const text of await inStatements(damage.sql)) await database.run(text)
    const found = await verifySchema(database.db, definitions)
    const place = ({object, path}: {object: string; path: string}) => `${object} ${path}`.trim()
    for (const {found: expected, fix = false, sql} of applies(engine))
      expect(
        found.filter((difference) => place(difference) === expected).map((difference) => difference.fix !== null),
        `${sql}\n${found.map(place).join('\n')}`,
      ).toEqual([fix])
    for (const {fix} of found)
      if (fix !== null) for (const text of await inStatements(fix)) await database.autocommit(text)
    const left = (await verifySchema(database.db, definitions)).map(place)
    expect(left).toEqual(found.filter(({fix}) => fix === null).map(place))
  }, 300_000)

  it('prints the statements in an order in which they run: a function before the triggers that call it', async () => {
    const database = await made(engine)
    for (const text of [
      'drop function qicore.guard_crypto_prices cascade',
      'alter table desk.venues drop column label',
    ])
      await database.run(text)
    const found = await verifySchema(database.db, definitions)
    expect(found.filter(({fix}) => fix === null).map(({path}) => path)).toEqual(['constraints.venues_label_key'])
    for (const {fix} of found)
      for (const text of fix === null ? [] : await inStatements(fix)) await database.autocommit(text)
    expect((await verifySchema(database.db, definitions)).map(({path}) => path)).toEqual([
      'constraints.venues_label_key',
    ])
  }, 300_000)
})
