import {z} from 'zod'
import {about} from './fields.js'
import {knownTypes, readType} from '../schema/types.js'

/** The fields of `tables.<name>` that describe a user's table; named as in the definitions. */

const text = z.string().min(1)
const columns = z.array(text).min(1)
const columnNames = (description: string) => about(columns, description, {examples: [['time', 'symbol']]})
const name = (example: string) => about(text, 'Its name.', {examples: [example]})

const column = z.strictObject({
  name: name('price'),
  type: about(
    text.refine((value) => readType(value) !== null, {
      error: ({input}) => `"${String(input)}" is not a known type. Known types: ${knownTypes.join(', ')}`,
    }),
    'Its type as PostgreSQL spells it.',
    {examples: ['timestamptz', 'numeric(20,8)', 'text[]']},
  ),
  nullable: about(z.boolean().optional(), 'Whether the column is nullable.', {default: false}),
  default: about(text.optional(), 'An SQL expression.', {examples: ['now()']}),
  doc: about(text.optional(), 'Description of the value, for the generated code.', {
    examples: ['Last trade, in US dollars.'],
  }),
})

export const ownTableFields = {
  doc: about(text.optional(), 'One sentence about the content of the table.', {examples: ['Trades of desk B.']}),
  columns: about(
    z.array(column).min(1).optional(),
    'Describes the table: its SQL, Drizzle, zod and the check for drift are generated from it.',
    {
      examples: [
        [
          {name: 'time', type: 'timestamptz'},
          {name: 'price', type: 'numeric(20,8)'},
        ],
      ],
    },
  ),
  primaryKey: about(
    columns.optional(),
    'Columns of the primary key; they must include the time column, and the space column if there is one.',
    {examples: [['time', 'symbol']]},
  ),
  uniques: about(
    z.array(z.strictObject({name: name('trades_id_key'), columns: columnNames('Its columns.')})).optional(),
    'UNIQUE constraints.',
    {examples: [[{name: 'trades_id_key', columns: ['time', 'id']}]]},
  ),
  checks: about(
    z
      .array(
        z.strictObject({
          name: name('price_positive'),
          expression: about(text, 'An immutable SQL condition on one row.', {examples: ['price > 0']}),
        }),
      )
      .optional(),
    'CHECK constraints.',
    {examples: [[{name: 'price_positive', expression: 'price > 0'}]]},
  ),
  indexes: about(
    z
      .array(
        z.strictObject({
          name: name('trades_symbol_idx'),
          columns: about(columns, 'Its columns, each with desc if wanted.', {
            examples: [['symbol', 'time desc']],
          }),
        }),
      )
      .optional(),
    'Indexes in addition to those of the constraints.',
    {examples: [[{name: 'trades_symbol_idx', columns: ['symbol', 'time desc']}]]},
  ),
  foreignKeys: about(
    z
      .array(
        z.strictObject({
          name: name('trades_exchange_fkey'),
          columns: columnNames('Its columns.'),
          references: about(
            z.strictObject({
              schema: about(text, 'Schema of that table.', {examples: ['public']}),
              table: about(text, 'Its name.', {examples: ['exchanges']}),
              columns: columnNames('The referenced columns.'),
            }),
            'The referenced table.',
            {examples: [{schema: 'public', table: 'exchanges', columns: ['id']}]},
          ),
        }),
      )
      .optional(),
    'FOREIGN KEY constraints.',
    {
      examples: [
        [
          {
            name: 'trades_exchange_fkey',
            columns: ['exchange_id'],
            references: {schema: 'public', table: 'exchanges', columns: ['id']},
          },
        ],
      ],
    },
  ),
  hypertable: about(
    z
      .strictObject({
        time: about(text, 'The time column that chunks and partitions are ranges of.', {examples: ['time']}),
        space: about(
          z
            .strictObject({
              column: about(text, 'The column that is hashed.', {examples: ['symbol']}),
              partitions: about(z.int().min(0).max(32_767), 'Number of hash partitions.', {examples: [4]}),
            })
            .optional(),
          'A second dimension; it cannot be changed later.',
          {examples: [{column: 'symbol', partitions: 4}]},
        ),
      })
      .optional(),
    'Makes it a hypertable, or a partitioned table on plain PostgreSQL. Absent: an ordinary table.',
    {examples: [{time: 'time'}]},
  ),
}
