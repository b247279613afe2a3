import {docsPage} from '../units/docs.js'
import type {Database} from '../db/database.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {SchemaDefinition} from '../schema/definition.js'
import {qicore} from '../schema/built-in.js'
import {userTables} from '../schema/user-tables.js'
import {withSettings, type TableSettings} from '../schema/verify.js'
import type {Config} from './load.js'
import {command} from '../units/command.js'

/** QiCore's migrations are recorded, or its main table exists: a dropped table must be reported as a difference. */
const oursIsThere =
  "select exists (select from qicore.schema_versions where stream = 'qicore') or " +
  "to_regclass('public.crypto_prices') is not null as there"

/**
 * The definitions that apply to a database, with the configuration's settings.
 * @throws OpsError NOTHING_DEFINED if there are none
 */
export async function definitionsFor(
  db: Database,
  config: Config | null,
): Promise<{definitions: SchemaDefinition; whose: ('qicore' | 'config')[]}> {
  const own = userTables(config?.tables ?? {})
  const [row] = db.server.hasQicoreSchema ? await db.query<{there: boolean}>(statement(oursIsThere)) : []
  const there = row?.there ?? false
  const whose = [...(there ? ['qicore' as const] : []), ...(own.tables.length > 0 ? ['config' as const] : [])]
  if (whose.length === 0)
    throw usageError(
      'NOTHING_DEFINED',
      "QiCore's tables are not in this database, and the configuration describes none.",
      [
        `Make them: ${command('migrate up')}`,
        `Or describe a table of your own in qicore-db.config.yaml; an example: ${docsPage('schema')}`,
      ],
    )
  const base = there ? qicore : {tables: [], aggregates: []}
  return {definitions: withSettings({...base, tables: [...base.tables, ...own.tables]}, settingsOf(config)), whose}
}

/** By `schema.name`, as in catalog snapshots. */
function settingsOf(config: Config | null): ReadonlyMap<string, TableSettings> {
  return new Map(
    Object.entries(config?.tables ?? {})
      .filter(([, {columns}]) => columns === undefined)
      .map(([text, entry]) => {
        const {schema, name} = parseQualifiedName(text)
        return [formatQualifiedName(schema ?? 'public', name), entry]
      }),
  )
}
