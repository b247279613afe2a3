import {quoteLiteral} from '../../db/sql.js'
import {timescaledb} from '../../engines/timescaledb.js'
import type {GeneratedFile} from '../generated-file.js'
import {listedMigrations} from '../migrate/checksums.js'
import {statementsOf} from '../migrate/plan.js'
import {programVersion} from '../migrate/program.js'
import {routineFiles} from '../migrate/routine-files.js'
import {migrationSources, migrationsFor, type MigrationSource} from '../migrate/source.js'

/** The journal of Drizzle's migrator: the files of the folder, their order and their timestamps. */
export interface Journal {
  version: string
  dialect: 'postgresql'
  entries: JournalEntry[]
}

interface JournalEntry {
  idx: number
  version: string
  /** Drizzle applies all entries later than the last applied one and records nothing else about them. */
  when: number
  tag: string
  breakpoints: boolean
}

const first = Date.parse('2026-01-01T00:00:00Z')
const minute = 60_000
const separator = '\n--> statement-breakpoint\n'

/**
 * The migrations for TimescaleDB's Community Edition as a folder for Drizzle's own migrator, in the order in which they
 * were added, followed by the routines. Entries keep their position in later releases. Routines are dated half a minute
 * after the last migration: one more migration makes them newer than the last applied entry, so they are installed
 * again.
 */
export async function drizzleFolder(): Promise<GeneratedFile[]> {
  const sources = new Map(
    migrationSources(null).flatMap((stream) =>
      migrationsFor(stream, timescaledb.name).flatMap(({source}) => (source ? [[source.file, source]] : [])),
    ),
  )
  const ordered = listedMigrations().flatMap(({path}) => sources.get(path) ?? [])
  const migrations = await Promise.all(
    ordered.map(async (source) => ({
      name: `${source.stream}_${source.number}_${source.name}`,
      text: await textOf(source),
    })),
  )
  const files = [...migrations, {name: 'routines', text: routinesText()}]
  const entries = files.map(({name}, idx): JournalEntry => {
    const when = first + idx * minute - (idx === migrations.length ? minute / 2 : 0)
    return {idx, version: '7', when, tag: `${String(idx).padStart(4, '0')}_${name}`, breakpoints: true}
  })
  const journal: Journal = {version: '7', dialect: 'postgresql', entries}
  return [
    {path: 'meta/_journal.json', text: `${JSON.stringify(journal, null, 2)}\n`},
    ...files.map(({text}, idx) => ({path: `${entries[idx]!.tag}.sql`, text})),
  ]
}

async function textOf(source: MigrationSource): Promise<string> {
  const statements = (await statementsOf(source)).map(({text}) => text)
  const opening =
    source.stream === 'core' && Number(source.number) === 1 ? ['create extension if not exists timescaledb'] : []
  // The schema qicore records itself on every engine; QiCore's tables are recorded by `migrate baseline`.
  const closing = source.stream === 'core' ? [recordText(source)] : []
  return `${[...opening, ...statements, ...closing].join(`;${separator}`)};\n`
}

function recordText({version, description, stream, checksum}: MigrationSource): string {
  const values = [version, description, stream, checksum].map(quoteLiteral).join(', ')
  return `insert into qicore.schema_versions (version, description, stream, checksum)\nvalues (${values})`
}

function routinesText(): string {
  const statements = routineFiles(timescaledb.name).flatMap(({name, checksum, text}) => [
    'insert into qicore.routines (name, checksum, program) values ' +
      `(${[name, checksum, programVersion].map(quoteLiteral).join(', ')})\n` +
      'on conflict (name) do update set checksum = excluded.checksum, program = excluded.program, applied_at = now()',
    text.trim().replace(/;$/, ''),
  ])
  return `${statements.join(`;${separator}`)};\n`
}
