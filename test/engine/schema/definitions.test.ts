import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {problemsOf} from '../../../src/schema/check.js'
import type {AggregateDefinition, TableDefinition} from '../../../src/schema/definition.js'
import {diffDefinitions} from '../../../src/schema/diff.js'
import {createTable} from '../../../src/schema/generate/table.js'
import {name, readOrdered} from '../../../src/schema/names.js'
import {qicore} from '../../../src/qicore/definition.js'
import {readType, typeSql} from '../../../src/schema/types.js'
import {forEachEngine} from '../../helpers/engines.js'

const table = (over: Partial<TableDefinition> = {}): TableDefinition => ({
  schema: 'desk',
  name: 'ticks',
  doc: 'Ticks.',
  columns: [
    {name: 'id', type: 'bigint'},
    {name: 'time', type: 'timestamptz'},
    {name: 'venue', type: 'text'},
    {name: 'price', type: 'numeric(20, 8)'},
  ],
  primaryKey: ['id', 'time', 'venue'],
  hypertable: {time: 'time', chunkInterval: '1d', space: {column: 'venue', partitions: 0}},
  ...over,
})
const aggregate = (over: Partial<AggregateDefinition> = {}): AggregateDefinition => ({
  schema: 'desk',
  name: 'hourly',
  doc: 'Hours.',
  source: {schema: 'desk', table: 'ticks'},
  time: 'time',
  bucket: '1h',
  groupBy: ['venue'],
  columns: [{name: 'high', function: 'max', of: 'price'}],
  refresh: {startOffset: '3h', endOffset: '1h', every: '1h'},
  ...over,
})
const problems = (tables: unknown[], aggregates: unknown[] = []) =>
  problemsOf({tables, aggregates}).map(({path, message}) => `${path}: ${message}`)

describe('the check of definitions', () => {
  it("accepts QiCore's definitions and a small table of a user", () => {
    expect(problemsOf(qicore)).toEqual([])
    expect(problems([table()], [aggregate()])).toEqual([])
  })

  it.each<[string, Partial<TableDefinition>, RegExp]>([
    [
      'an unknown column in segmentBy',
      {compression: {after: '7d', segmentBy: ['venue', 'desk'], orderBy: ['time']}},
      /^tables\[0\]\.compression\.segmentBy\[1\]: ticks has no column "desk"/,
    ],
    [
      'an order that does not begin with time',
      {compression: {after: '7d', segmentBy: [], orderBy: ['id desc', 'time']}},
      /^tables\[0\]\.compression\.orderBy\[0\]: it must begin with time/,
    ],
    [
      'a column in both',
      {compression: {after: '7d', segmentBy: ['id'], orderBy: ['time', 'id']}},
      /segmentBy\[0\]: "id" is in orderBy too/,
    ],
    [
      'a unique set without the partition columns',
      {uniques: [{name: 'u', columns: ['id', 'price']}]},
      /^tables\[0\]\.uniques\[0\]\.columns: it must include time and venue/,
    ],
    ['a primary key without them', {primaryKey: ['id']}, /^tables\[0\]\.primaryKey: it must include time and venue/],
    [
      'retention shorter than a chunk',
      {retention: {after: '12h'}},
      /^tables\[0\]\.retention\.after: 12 hours is shorter than a chunk/,
    ],
    [
      'compression after retention',
      {retention: {after: '7d'}, compression: {after: '30d', segmentBy: [], orderBy: ['time']}},
      /compression\.after: rows are dropped after 7 days/,
    ],
    ['a name over 63 bytes', {name: 'é'.repeat(32)}, /^tables\[0\]\.name: "é+" is longer than 63 bytes/],
    ['a primary key whose name would be', {name: 'x'.repeat(60)}, /^tables\[0\]\.primaryKey: "x+_pkey" is longer/],
    [
      'a NUL in a name',
      {indexes: [{name: 'a\0b', columns: ['id']}]},
      /^tables\[0\]\.indexes\[0\]\.name: "a\\u0000b" has a NUL/,
    ],
    [
      'half of a character in a name',
      {columns: [...table().columns, {name: '\ud83d', type: 'text'}]},
      /columns\[4\]\.name: .* has half of a surrogate pair/,
    ],
    [
      'a column with the name of a system column',
      {columns: [...table().columns, {name: 'xmin', type: 'text'}]},
      /columns\[4\]\.name: "xmin" is a system column/,
    ],
    [
      'a schema with a prefix reserved by PostgreSQL',
      {schema: 'pg_desk'},
      /^tables\[0\]\.schema: "pg_desk": schema names that start with pg_/,
    ],
    [
      'an index that is called as the table',
      {indexes: [{name: 'ticks', columns: ['id']}]},
      /^tables\[0\]\.indexes\[0\]\.name: "ticks" is taken/,
    ],
    [
      'an index that is called as the primary key',
      {indexes: [{name: 'ticks_pkey', columns: ['id']}]},
      /indexes\[0\]\.name: "ticks_pkey" is taken/,
    ],
    [
      'a check that is called as the primary key',
      {checks: [{name: 'ticks_pkey', expression: 'true'}]},
      /checks: there are two constraints "ticks_pkey"/,
    ],
    [
      'a column twice in a key',
      {primaryKey: ['id', 'time', 'venue', 'id']},
      /^tables\[0\]\.primaryKey\[3\]: "id" is listed twice/,
    ],
    [
      'a column of the key that may be null',
      {
        columns: [...table().columns.slice(0, 3), {name: 'price', type: 'numeric', nullable: true}],
        primaryKey: ['id', 'time', 'venue', 'price'],
      },
      /columns\[3\]\.nullable: "price" is part of the primary key/,
    ],
    ['a table without columns', {columns: undefined as never}, /^tables\[0\]\.columns: is missing \(array\)/],
    [
      'two columns of one name',
      {columns: [...table().columns, {name: 'price', type: 'text'}]},
      /columns\[4\]\.name: there are two columns "price"/,
    ],
    [
      'a time that may be null',
      {
        columns: [
          {name: 'time', type: 'timestamptz', nullable: true},
          ...table().columns.filter((column) => column.name !== 'time'),
        ],
      },
      /hypertable\.time: "time" is nullable/,
    ],
    [
      'a time that is none',
      {hypertable: {time: 'price', chunkInterval: '1d'}, primaryKey: ['id', 'price']},
      /hypertable\.time: "price" is numeric\(20, 8\)/,
    ],
    [
      'an unknown type',
      {columns: [...table().columns, {name: 'shape', type: 'polygon; drop table x'}]},
      /^tables\[0\]\.columns\[4\]\.type: "polygon; drop table x" is not a known type/,
    ],
    [
      'a bare number for a duration',
      {hypertable: {time: 'time', chunkInterval: '7'}},
      /^tables\[0\]\.hypertable\.chunkInterval: "7" has no unit/,
    ],
    ['an unknown field', {colour: 'red'} as never, /^tables\[0\]: Unrecognized key: "colour"/],
    [
      'a key to a hypertable',
      {foreignKeys: [{name: 'f', columns: ['id'], references: {schema: 'desk', table: 'ticks', columns: ['id']}}]},
      /foreignKeys\[0\]\.references: ticks is a hypertable/,
    ],
  ])('refuses %s, with its path', (_, over, expected) => {
    expect(problems([table(over)]).join('\n')).toMatch(expected)
  })

  it.each<[string, Partial<AggregateDefinition>, RegExp]>([
    [
      'a refresh window under two buckets',
      {refresh: {startOffset: '2h', endOffset: '1h', every: '1h'}},
      /^aggregates\[0\]\.refresh\.startOffset: from 2 hours to 1 hour ago is less than two buckets/,
    ],
    [
      'a refresh that reaches into the retention',
      {refresh: {startOffset: '7d', endOffset: '1h', every: '1h'}},
      /refresh\.startOffset: it starts before the retention cutoff of ticks/,
    ],
    [
      'an unknown source',
      {source: {schema: 'desk', table: 'tocks'}},
      /^aggregates\[0\]\.source: there is no table desk\.tocks/,
    ],
    [
      'an unknown column',
      {columns: [{name: 'high', function: 'max', of: 'prize'}]},
      /columns\[0\]\.of: ticks has no column "prize"/,
    ],
    [
      'a function without a column',
      {columns: [{name: 'high', function: 'max'}]},
      /columns\[0\]\.of: max needs a column/,
    ],
    [
      'a bucket of two months',
      {bucket: '2mon', refresh: {startOffset: '6mon', endOffset: '1d', every: '1d'}},
      /bucket: a bucket must be one month/,
    ],
    ['the name of a table', {name: 'ticks'}, /^aggregates\[0\]\.name: desk\.ticks is defined twice/],
  ])('refuses an aggregate with %s', (_, over, expected) => {
    expect(problems([table({retention: {after: '7d'}})], [aggregate(over)]).join('\n')).toMatch(expected)
  })

  it('reports all mistakes together', () => {
    const found = problems([table({primaryKey: ['id']}), 7, {...table(), name: ''}], [aggregate({bucket: '6m'})])
    expect(found.map((line) => line.split(':')[0])).toEqual([
      'tables[1]',
      'tables[2].name',
      'aggregates[0].bucket',
      'tables[0].primaryKey',
    ])
  })

  it.each([
    null,
    7,
    'x',
    [],
    {tables: null},
    {tables: [null], aggregates: [[]]},
    JSON.parse('{"tables": [], "aggregates": [], "__proto__": {"x": 1}}'),
  ])('never crashes on %j', (input) => {
    expect(Array.isArray(problemsOf(input))).toBe(true)
  })
})

describe('types', () => {
  it.each([
    ['DECIMAL(20, 8)', 'numeric(20,8)'],
    ['character varying(50)', 'varchar(50)'],
    ['timestamp with time zone', 'timestamptz'],
    ['int8[]', 'bigint[]'],
    ['double  precision', 'double precision'],
    ['timestamptz(3)', 'timestamptz(3)'],
  ])('%s is normalised to %s', (text, written) => {
    expect(typeSql(readType(text)!)).toBe(written)
  })
  it.each(['', 'text(5)', 'bigserial[]', 'numeric(1,2,3)', 'varchar(x)', 'int; drop table t', 'hstore'])(
    '"%s" is none',
    (text) => {
      expect(readType(text)).toBeNull()
    },
  )
})

describe('an ordered column', () => {
  it('is resolved against the existing columns, whatever their names', () => {
    const columns = ['time', 'x desc', 'two words']
    expect(readOrdered('time DESC', columns)).toEqual({column: 'time', direction: 'desc'})
    expect(readOrdered('x desc', columns)).toEqual({column: 'x desc', direction: 'asc'})
    expect(readOrdered('x desc desc', columns)).toEqual({column: 'x desc', direction: 'desc'})
    expect(readOrdered('two words asc', columns)).toEqual({column: 'two words', direction: 'asc'})
    expect(readOrdered('price desc', columns)).toBeNull()
  })
})

const identifier = fc.string({
  unit: fc.constantFrom('a', 'Z', '_', '1', ' ', '"', "'", '.', ';', '-', 'é', '$', '\\'),
  minLength: 1,
  maxLength: 12,
})

forEachEngine({}, (engine) => {
  it('any names, also reserved words, become tables with exactly these names', async () => {
    const {run} = await engine.database()
    const words = await run<{word: string}>('select word from pg_get_keywords()')
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.oneof(identifier, fc.constantFrom(...words.map(({word}) => word))), {
          minLength: 2,
          maxLength: 6,
        }),
        async ([called, ...columns]) => {
          const definition = table({
            schema: 'public',
            name: called!,
            columns: columns.map((column) => ({name: column, type: 'text'})),
            primaryKey: [columns[0]!],
            checks: [{name: `${called}'s`, expression: `${name(columns[0]!)} <> ''`}],
          })
          await run(`${createTable({...definition, hypertable: undefined}, definition.checks!, false)}`)
          const found = await run<{name: string}>(
            `select attname as name from pg_attribute a join pg_class c on c.oid = attrelid where c.relname = $1 and c.relkind = 'r' and attnum > 0 order by attnum`,
            [called!],
          )
          expect(found.map((row) => row.name)).toEqual(columns)
          await run(`drop table public.${name(called!)}`)
        },
      ),
      {numRuns: 60},
    )
  })
})

describe('the difference between two states of the definitions', () => {
  const [before] = [{tables: [table()], aggregates: [aggregate()]}]
  const changed = (over: Partial<TableDefinition>) => diffDefinitions(before, {...before, tables: [table(over)]})

  it('writes added columns, indexes and checks', () => {
    const {statements, cannot} = changed({
      columns: [
        ...table().columns,
        {name: 'note', type: 'text', nullable: true},
        {name: 'lot', type: 'integer', default: '1'},
      ],
      indexes: [{name: 'ticks_price', columns: ['price', 'time desc']}],
      checks: [{name: 'positive', expression: 'price > 0'}],
    })
    expect(cannot).toEqual([])
    expect(statements).toEqual([
      'alter table desk.ticks add column note text',
      'alter table desk.ticks add column lot integer not null default 1',
      'create index ticks_price on desk.ticks (price, time desc)',
      'alter table desk.ticks add constraint positive check (price > 0)',
    ])
  })

  it('lists what it cannot write', () => {
    const {statements, cannot} = changed({
      columns: [
        {name: 'id', type: 'bigint'},
        {name: 'time', type: 'timestamptz'},
        {name: 'venue', type: 'varchar(10)'},
        {name: 'lot', type: 'integer'},
        {name: 'n', type: 'serial'},
      ],
      primaryKey: ['id', 'time'],
      hypertable: {time: 'time', chunkInterval: '7d'},
    })
    expect(statements).toEqual([])
    for (const part of [
      'desk.ticks.venue changed (text not null became varchar(10) not null)',
      'desk.ticks.price was removed',
      'desk.ticks.lot is NOT NULL without a default',
      'desk.ticks.n is serial',
      'primaryKey',
      'hypertable.space',
    ])
      expect(cannot.join('\n')).toContain(part)
    expect(diffDefinitions(before, {tables: [], aggregates: []}).cannot).toHaveLength(2)
    expect(diffDefinitions({tables: [], aggregates: []}, before).cannot).toHaveLength(2)
  })

  it('is empty if only policies and descriptions changed', () => {
    expect(
      changed({
        doc: 'Other words.',
        retention: {after: '1y'},
        columns: table().columns.map((column) => ({...column, doc: 'x'})),
      }),
    ).toEqual({statements: [], cannot: []})
  })
})
