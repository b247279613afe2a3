import {readClocks, readZones, type TableClock} from '../../src/catalog/table-clock.js'
import type {Table} from '../../src/catalog/table.js'
import type {Database} from '../../src/db/database.js'
import type {Instant} from '../../src/units/instant.js'

/** The clocks of tables without a declared unit. @param at the server's clock */
export async function clocksAt(db: Database, tables: readonly Table[], at: Instant): Promise<Map<Table, TableClock>> {
  return readClocks(db, tables, await readZones(db, at), at, new Map())
}
