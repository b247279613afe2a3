import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {sqlDirectory} from '../../src/db/load-sql.js'
import {engineNames, type EngineKind} from '../../src/engines/index.js'
import type {Server} from '../../src/db/server.js'

/** A file below sql/ and its header. */
export interface SqlFile {
  /** As loadSql expects it: `report/chunks`. */
  name: string
  text: string
  /** The comment lines at the top, without their dashes. */
  header: string
  /** From the suffix: `chunks.postgres.sql` is only for plain PostgreSQL. */
  kind: EngineKind | null
  /** From `TimescaleDB: 2.15 to 2.28, community.`; null for `not needed` or without such a line. */
  timescaledb: {from: string; to: string | null; community: boolean} | null
  saysTimescaledb: boolean
  /** From `pg_cron: 1.4.`: the oldest version; null if it needs none. */
  pgCron: string | null
  /** From `Citus: 11.0`. */
  citus: boolean
}

/** Every file below sql/ except the migrations, which the tests of their runner run. */
export function sqlFiles(): SqlFile[] {
  return readdirSync(fileURLToPath(sqlDirectory), {recursive: true, encoding: 'utf8'})
    .filter((path) => path.endsWith('.sql') && !path.startsWith('migrations/'))
    .sort()
    .map((path) => read(path.replace(/\.sql$/, '')))
}

function read(name: string): SqlFile {
  const text = readFileSync(new URL(`${name}.sql`, sqlDirectory), 'utf8')
  const header = (/^(?:--.*\n)+/.exec(text)?.[0] ?? '').replace(/^-- ?/gm, '')
  const kind: EngineKind | null = engineNames.find((engine) => name.endsWith(`.${engine}`)) ?? null
  const needs = /TimescaleDB:? (?:from )?(\d+\.\d+)(?: (?:to|up to|-) (\d+\.\d+))?(,? community)?/i.exec(header)
  return {
    name,
    text,
    header,
    kind,
    timescaledb: needs ? {from: needs[1]!, to: needs[2] ?? null, community: needs[3] !== undefined} : null,
    citus: /Citus: \d/.test(header),
    pgCron: /pg_cron: (\d+\.\d+)/.exec(header)?.[1] ?? null,
    saysTimescaledb: needs !== null || /TimescaleDB:? not needed/i.test(header),
  }
}

/** Whether the file is meant for this server. */
export function isFor(file: SqlFile, server: Server): boolean {
  if (file.pgCron !== null && (server.pgCron === null || compare(server.pgCron, file.pgCron) < 0)) return false
  if (file.citus && server.citus === null) return false
  if (file.kind !== null && file.kind !== server.engine) return false
  if (file.timescaledb === null) return true
  if (server.timescaledb === null) return false
  const {from, to, community} = file.timescaledb
  return (
    !(community && server.edition !== 'community') &&
    compare(server.timescaledb, from) >= 0 &&
    (to === null || compare(server.timescaledb, to) <= 0)
  )
}

/** By major and minor: 2.23.0-dev is a 2.23, and 2.28.3 is not later than 2.28. */
function compare(a: string, b: string): number {
  const [major, minor] = a.split('.').map((part) => Number.parseInt(part, 10)) as [number, number]
  const [otherMajor, otherMinor] = b.split('.').map(Number) as [number, number]
  return major - otherMajor || minor - otherMinor
}
