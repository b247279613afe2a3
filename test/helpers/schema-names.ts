/** Names that a user may choose, and definitions in which every name is one of them. */
import fc from 'fast-check'
import {quoteIdent} from '../../src/db/sql.js'
import type {
  AggregateDefinition,
  CheckDefinition,
  ColumnDefinition,
  IndexDefinition,
  TableDefinition,
} from '../../src/schema/definition.js'

const nasty = [
  'time',
  'Time',
  'select',
  'user',
  'order',
  'a b',
  ' a',
  'a ',
  'a.b',
  'a".b',
  '"',
  '""',
  "'",
  "it's",
  '`',
  '${x}',
  '\\',
  '\\n',
  'a\nb',
  'a\tb',
  '--',
  '/*',
  '*/',
  '; drop table x; --',
  "'); drop table x; --",
  '$1',
  '$$',
  '%I',
  '%',
  'é',
  'Ärger',
  '日本語',
  '😀',
  'e\u0301',
  '\u200b',
  '\u2028',
  'x desc',
  'time desc',
  'a,b',
  'a)',
  '(',
  '[0]',
  '{}',
  '0',
  '1e3',
  'null',
  'true',
  '#',
  '&',
  ':',
  '?',
  '!',
  '~',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'valueOf',
  '_',
  '$inferSelect',
  'enableRLS',
  'getSQL',
  'sql',
  'table',
  'index',
  'z',
  'row',
  'default',
  'class',
  'bucket_',
  'usd_price',
  'usdPrice',
  'columns',
  'timescaledb',
  'public_',
  'x.default',
  '</script>',
  'x'.repeat(63),
  'é'.repeat(31),
  'X'.repeat(62),
]

/** At most that many bytes, cut between characters. */
function cut(text: string, bytes: number): string {
  let kept = ''
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > bytes) break
    kept += character
  }
  return kept
}

export const identifier: fc.Arbitrary<string> = fc
  .oneof(
    {arbitrary: fc.constantFrom(...nasty), weight: 3},
    {arbitrary: fc.string({unit: 'grapheme', minLength: 1, maxLength: 20}), weight: 1},
    {arbitrary: fc.string({minLength: 1, maxLength: 63}), weight: 1},
  )
  .map((text) => cut(text.replaceAll('\0', ''), 63))
  .filter(
    (text) =>
      text !== '' &&
      !/^pg_/.test(text) &&
      !['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'bucket'].includes(text),
  )

const names = fc.uniqueArray(identifier, {minLength: 18, maxLength: 18, selector: (text) => cut(text, 40)})

export interface NamedDefinitions {
  tables: [venues: TableDefinition, ticks: TableDefinition]
  aggregate: AggregateDefinition
  /** Added to ticks later: a column, an index, a check. */
  later: {columns: ColumnDefinition[]; indexes: IndexDefinition[]; checks: CheckDefinition[]}
}

export const namedDefinitions: fc.Arbitrary<NamedDefinitions> = names.map((given): NamedDefinitions => {
  const [
    schema,
    ticks,
    venues,
    hours,
    id,
    time,
    venue,
    price,
    note,
    index,
    unique,
    check,
    foreign,
    high,
    first,
    extra,
    later,
    more,
  ] = given as [string, ...string[]]
  // Names that are derived from a name must fit too.
  const short = (text: string | undefined, made: string) => cut(text!, 63 - made.length)
  const venuesName = short(venues, '_pkey')
  return {
    tables: [
      {
        schema: schema,
        name: venuesName,
        doc: `${venues} */`,
        columns: [{name: venue!, type: 'varchar(20)', doc: `*/ ${venue}`}],
        primaryKey: [venue!],
      },
      {
        schema: schema,
        name: short(ticks, '_pkey'),
        doc: ticks!,
        columns: [
          {name: id!, type: 'bigserial'},
          {name: time!, type: 'timestamptz', default: 'now()'},
          {name: venue!, type: 'varchar(20)'},
          {name: price!, type: 'numeric(20,8)'},
          {name: note!, type: 'text', nullable: true, default: "'it''s `${x}` \\ \"'"},
        ],
        primaryKey: [id!, time!, venue!],
        uniques: [{name: unique!, columns: [price!, venue!, time!]}],
        checks: [{name: check!, expression: `${quoteIdent(price!)} > 0`}],
        indexes: [{name: index!, columns: [`${venue} desc`, time!]}],
        foreignKeys: [
          {name: foreign!, columns: [venue!], references: {schema: schema, table: venuesName, columns: [venue!]}},
        ],
        hypertable: {
          time: time!,
          chunkInterval: '1d',
          space: {column: venue!, partitions: 2},
          partitions: {period: 'month', ahead: 1},
        },
        compression: {after: '7d', segmentBy: [venue!], orderBy: [`${time} desc`, `${id} desc`]},
      },
    ],
    aggregate: {
      schema: schema,
      name: short(hours, '_data_bucket_idx'),
      doc: 'Hours.',
      source: {schema: schema, table: short(ticks, '_pkey')},
      time: time!,
      bucket: '1h',
      groupBy: [venue!],
      columns: [
        {name: high!, function: 'max', of: price!},
        {name: first!, function: 'first', of: price!},
      ],
      refresh: {startOffset: '3h', endOffset: '1h', every: '1h'},
    },
    later: {
      columns: [{name: extra!, type: 'integer', nullable: true}],
      indexes: [{name: later!, columns: [extra!, `${time} desc`]}],
      checks: [{name: more!, expression: `${quoteIdent(extra!)} between 0 and 9`}],
    },
  }
})

/** The second table with what is added later. */
export function grown({tables: [venues, ticks], later}: NamedDefinitions): TableDefinition[] {
  return [
    venues,
    {
      ...ticks,
      columns: [...ticks.columns, ...later.columns],
      indexes: [...ticks.indexes!, ...later.indexes],
      checks: [...ticks.checks!, ...later.checks],
    },
  ]
}
