/** The building blocks of generated zod modules: `import … from 'qicore-db/columns'`. */
export * from './types.js'
export {
  both,
  either,
  isDecimal,
  isInstant,
  isNull,
  isOneOf,
  isText,
  isTrue,
  minus,
  not,
  plus,
  times,
} from './compare.js'
export type {Decimal, DecimalInput} from './decimal.js'
export {passes, rule} from './rule.js'
