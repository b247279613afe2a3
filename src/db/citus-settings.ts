/** The columns of sql/db/citus.sql that have settings of the session. */
interface SettingsRow {
  hides_shards: string | null
  distributes_schemas: string | null
  manages_tables: string | null
}

/**
 * The settings that our transactions change. With `override_table_visibility` off, each shard of this node is a table
 * and a partition set of its own in every report. With one of the others on, the tables of the schema qicore become
 * distributed or managed ones, on which Citus refuses volatile functions and recursive queries: no run can be recorded
 * any more.
 */
export function citusCorrections(row: SettingsRow): (readonly [name: string, value: string])[] {
  const corrected = [
    ['citus.override_table_visibility', row.hides_shards, 'on'],
    ['citus.enable_schema_based_sharding', row.distributes_schemas, 'off'],
    ['citus.use_citus_managed_tables', row.manages_tables, 'off'],
  ] as const
  return corrected.flatMap(([name, found, wanted]) => (found === null || found === wanted ? [] : [[name, wanted]]))
}

/**
 * Statements behind BEGIN. Citus opens a session on each worker that a transaction uses, and repeats in it what SET
 * LOCAL (not set_config) made. Without them a statement waits on a worker for a lock as long as it takes, and holds its
 * other locks meanwhile: 7.2 s instead of 1.06 s with a lock_timeout of 1 s.
 * @param lockTimeout milliseconds
 */
export function workerSettings(lockTimeout: number): string[] {
  return ["set local citus.propagate_set_commands = 'local'", `set local lock_timeout = ${lockTimeout}`]
}
