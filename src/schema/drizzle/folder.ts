import {quoteLiteral} from '../../db/sql.js'
import {statementsOf} from '../migrate/plan.js'
import {migrationSources, migrationsFor, type MigrationSource} from '../migrate/source.js'
import type {GeneratedFile} from '../generated-file.js'

/** What Drizzle's migrator reads of a folder: which files there are, in which order, and when each was made. */
export interface Journal {
  version: string
  dialect: 'postgresql'
  entries: JournalEntry[]
}

interface JournalEntry {
  idx: number
  version: string
  /** What is newer than the newest applied one is applied: it grows with every entry and never changes. */
  when: number
  tag: string
  breakpoints: boolean
}

const first = Date.parse('2026-01-01T00:00:00Z')
const separator = '\n--> statement-breakpoint\n'

/**
 * The migrations of the community edition as a folder for Drizzle's own migrator. Entries that the journal has keep
 * their place, since a database that was migrated with them looks for newer ones only.
 */
export async function drizzleFolder(existing: Journal | null): Promise<GeneratedFile[]> {
  const sources = migrationSources(null).flatMap((stream) => migrationsFor(stream, 'timescaledb').flatMap(({source}) => (source ? [source] : [])))
  const known = new Map((existing?.entries ?? []).map((entry) => [nameIn(entry.tag), entry]))
  const isNew = (source: MigrationSource) => !known.has(nameOf(source))
  const next = known.size
  const entries = [
    ...(existing?.entries ?? []),
    ...sources.filter(isNew).map((source, index): JournalEntry => {
      const idx = next + index
      return {idx, version: '7', when: first + idx * 60_000, tag: `${String(idx).padStart(4, '0')}_${nameOf(source)}`, breakpoints: true}
    }),
  ]
  const tags = new Map(entries.map(({tag}) => [nameIn(tag), tag]))
  const files = await Promise.all(sources.map(async (source) => ({path: `${tags.get(nameOf(source))!}.sql`, text: await textOf(source)})))
  const journal: Journal = {version: '7', dialect: 'postgresql', entries}
  return [{path: 'meta/_journal.json', text: `${JSON.stringify(journal, null, 2)}\n`}, ...files]
}

function nameOf({stream, number, name}: MigrationSource): string {
  return `${stream}_${number}_${name}`
}

function nameIn(tag: string): string {
  return tag.replace(/^\d+_/, '')
}

async function textOf(source: MigrationSource): Promise<string> {
  const statements = (await statementsOf(source)).map(({text}) => text)
  const opening = source.stream === 'core' && Number(source.number) === 1 ? ['create extension if not exists timescaledb'] : []
  // The schema qicore installs itself everywhere; what is QiCore's own is recorded by `migrate baseline`.
  const closing = source.stream === 'core' ? [recordText(source)] : []
  return `${[...opening, ...statements, ...closing].join(`;${separator}`)};\n`
}

function recordText({version, description, stream, checksum}: MigrationSource): string {
  const values = [version, description, stream, checksum].map(quoteLiteral).join(', ')
  return `insert into qicore.schema_versions (version, description, stream, checksum)\nvalues (${values})`
}
