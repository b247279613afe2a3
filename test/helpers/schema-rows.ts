import fc from 'fast-check'
import type {ColumnDefinition, TableDefinition} from '../../src/schema/definition.js'
import {propertyNames} from '../../src/schema/properties.js'
import {isSerial, readType} from '../../src/schema/types.js'

/** A value that usually fits a column, and sometimes does not. */
function valueFor(column: ColumnDefinition): fc.Arbitrary<unknown> {
  const {base, args, array} = readType(column.type)!
  const one = (): fc.Arbitrary<unknown> => {
    if (isSerial(base)) return fc.integer({min: 1, max: 1_000_000})
    switch (base) {
      case 'numeric': {
        const [precision = 20, scale = 0] = args
        return fc.oneof(
          {weight: 6, arbitrary: fc.integer({min: -3, max: 300}).map(String)},
          {
            weight: 3,
            arbitrary: fc.bigInt({min: 0n, max: 10n ** BigInt(precision) - 1n}).map((n) => decimalText(n, scale)),
          },
          {weight: 1, arbitrary: fc.constantFrom('0', '-0.01', 'NaN', 5, 0.5)},
        )
      }
      case 'integer':
      case 'smallint':
      case 'bigint':
        return fc.integer({min: -2, max: 30_000})
      case 'boolean':
        return fc.boolean()
      case 'timestamptz':
        return fc
          .date({min: new Date('2000-01-01T00:00:00Z'), max: new Date('2030-01-01T00:00:00Z'), noInvalidDate: true})
          .map((date) => date.toISOString())
      case 'jsonb':
      case 'json':
        return fc.dictionary(
          fc.string({maxLength: 4}).filter((key) => key !== '__proto__'),
          fc.integer(),
          {maxKeys: 2},
        )
      default:
        return column.name === 'timeframe'
          ? fc.constantFrom('1m', '1h', '1M', '2h', '')
          : fc
              .string({maxLength: (args[0] ?? 20) > 20 ? 20 : (args[0] ?? 20) + 1})
              .map((text) => text.replaceAll('\0', ''))
    }
  }
  return array ? fc.array(one(), {maxLength: 3}) : one()
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled).padStart(scale + 1, '0')
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Rows of a table, keyed by property, most of them valid except for their checks. */
export function rowsOf({columns}: TableDefinition): fc.Arbitrary<Record<string, unknown>> {
  const properties = propertyNames(columns.map(({name}) => name))
  const required = columns.filter(
    ({nullable, default: value, type}) => !nullable && value === undefined && !isSerial(readType(type)!.base),
  )
  return fc.record(
    Object.fromEntries(
      columns.map((column) => {
        const value = valueFor(column)
        return [properties.get(column.name)!, column.nullable ? fc.option(value, {freq: 4}) : value]
      }),
    ),
    {requiredKeys: required.map(({name}) => properties.get(name)!)},
  )
}
