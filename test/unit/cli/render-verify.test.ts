import {expect, it} from 'vitest'
import {renderVerify} from '../../helpers/rendered.js'

/** Ids are parts of names, for programs. */
const nowhere = {schema: null, table: null}
const style = {width: 80, color: false, headers: true}
const index = 'CREATE INDEX quotes_time_idx ON desk_b.quotes USING btree ("time" DESC)'

it('schema verify prints each difference, the statements that fix it, and what has to be fixed by hand', () => {
  expect(
    renderVerify(
      [
        {
          ...nowhere,
          object: 'desk_b.quotes',
          path: 'indexes.quotes_time_idx',
          expected: index,
          actual: `${index} INVALID`,
          fix: 'reindex index concurrently desk_b.quotes_time_idx',
        },
        {
          ...nowhere,
          object: 'desk_b.quotes',
          path: 'indexes.quotes_venue_idx',
          expected: 'CREATE INDEX quotes_venue_idx ON desk_b.quotes USING btree (venue)',
          actual: 'CREATE INDEX quotes_venue_idx ON desk_b.quotes USING btree (price)',
          fix: null,
        },
        {
          ...nowhere,
          object: 'desk_b.quotes',
          path: 'columns.venue',
          expected: {type: 'character varying(20)', nullable: false, default: "'x'", identity: null, generated: null},
          actual: null,
          fix: null,
        },
        {
          ...nowhere,
          object: 'desk_b.trades',
          path: '',
          expected: {kind: 'hypertable', columns: {}},
          actual: null,
          fix: null,
        },
      ],
      2,
      style,
    ),
  ).toBe(
    [
      ' OBJECT         PATH                      EXPECTED                     ACTUAL',
      '!desk_b.quotes  indexes.quotes_time_idx   as defined                   … INVALID',
      '!desk_b.quotes  indexes.quotes_venue_idx  … (venue)                    … (price)',
      '!desk_b.quotes  columns.venue             character varying(20) not …  -',
      '!desk_b.trades  the whole object          hypertable                   -',
      'To fix:',
      'reindex index concurrently desk_b.quotes_time_idx;',
      '4 differences in 2 tables and aggregates, 3 to be resolved by hand.',
      'Is a migration pending? qicore-db migrate status',
    ].join('\n'),
  )
  expect(renderVerify([], 1, style)).toBe('1 table and aggregate as defined.')
})
