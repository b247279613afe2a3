/** The public API of the package. Everything else in dist/ may change without notice. */
import {usageError} from './errors.js'
import type {MigrationsOptions, MigrationsResult} from './schema/migrate/run-migrations.js'

export {ExitCode, OpsError} from './errors.js'
export {
  withDatabase,
  type ConnectOptions,
  type Database,
  type Db,
  type Target,
  type TransactionSettings,
} from './db/database.js'
export type {Server} from './db/server.js'
export type {EngineKind} from './engines/index.js'
export {sql, statement, type Statement, type Value} from './db/sql.js'
export {latestPrices, priceHistory, topPerformers} from './qicore/prices.js'
export type {
  HistoryOptions,
  LatestPrice,
  Performer,
  PriceBucket,
  Queryable,
  QueryOptions,
  QuerySource,
  RecentOptions,
} from './qicore/prices.js'
export {validateAnalytics, validateLevel1, validateOhlcv, validatePrice} from './qicore/validation.js'
export type {ValidationOptions, ValidationResult, Validator} from './validation/validator.js'
export type {AsOf, ValidationError} from './validation/row-rule.js'
export {qicore as definitions} from './schema/built-in.js'
export {readDefinitions, type ShortForm} from './schema/short-form.js'
export type * from './schema/definition.js'
export type {MigrationsOptions, MigrationsResult} from './schema/migrate/run-migrations.js'
export {readPolicies, readStatistics, type ReportOptions} from './library.js'
export type {StatsReport, TableStats} from './reports/stats.js'
export type {PolicyStatus, PolicyStatusReport} from './policies/status/types.js'

/**
 * Brings a database to the newest version, as `migrate up` does; running it again changes nothing.
 * @param url postgres://… or embedded:<directory>; default: QICORE_DB_URL, then DATABASE_URL
 * @throws OpsError with `code` and `suggestions`, as every command does
 */
export async function runMigrations(url?: string, options: MigrationsOptions = {}): Promise<MigrationsResult> {
  const {migrateDatabase} = await import('./schema/migrate/run-migrations.js')
  const {QICORE_DB_URL, DATABASE_URL} = process.env
  const named = url ?? (QICORE_DB_URL || DATABASE_URL)
  if (!named)
    throw usageError('NO_DATABASE_NAMED', 'No database is named.', [
      'Pass a URL to runMigrations(), or set QICORE_DB_URL or DATABASE_URL.',
    ])
  const variable = QICORE_DB_URL ? 'QICORE_DB_URL' : 'DATABASE_URL'
  return migrateDatabase(
    {
      name: null,
      url: named,
      source: url === undefined ? variable : '--url',
      protected: false,
    },
    options,
  )
}
