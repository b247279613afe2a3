import {readOnlySettings, type Database} from '../db/database.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {statement, type Statement} from '../db/sql.js'
import {ExitCode, OpsError} from '../errors.js'
import type {Step, StepWork} from '../run/step.js'
import {formatBytes} from '../units/bytes.js'
import {plural} from '../units/plural.js'
import {readColumns, storedAsText} from './columns.js'
import {exportRelation, type Exported} from './export-relation.js'
import {findSlot, type Manifest} from './manifest.js'
import type {ExportSettings} from './settings.js'
import {contentQuery, exactSettings, readVersions} from './snapshot.js'
import {contentGuard, readSource, versionGuard, type Source, type Subject} from './source.js'
import {openStore, type Store} from './store.js'

/** An export in a plan. */
export interface ExportRequest extends Subject {
  settings: ExportSettings
  /** Bytes of the relation, for progress; null if unknown. */
  bytes: number | null
  dependsOn: readonly string[]
  /** Statements that record the verified export, in the transaction of the step. */
  record?: ((done: Exported) => readonly Statement[]) | undefined
}

/** The id of the step that exports a relation: the drop of the relation depends on it. */
export function exportStepId({relation}: Pick<Subject, 'relation'>): string {
  return `export ${relation}`
}

/** The step that exports a relation and reads the file back. It changes nothing in the database. */
export function exportStep(request: ExportRequest): Step {
  const {relation, settings, bytes, dependsOn, record} = request
  return {
    id: exportStepId(request),
    kind: 'export',
    object: relation,
    work: {
      words: `export ${relation} to ${settings.to} as ${settings.format}, read it back and compare it with the table`,
      async run(db, {lockTimeout, cancel, onAdvance}) {
        const done = await exportRelation(db, settings, request, {lockTimeout, cancel, onRows: onAdvance})
        return {statements: record?.(done) ?? [], bytes: fileBytes(done.manifest), note: noteOf(done)}
      },
    },
    statements: [],
    lock: 'ACCESS SHARE',
    class: 'safe',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn,
    relations: [relation],
    bytes,
  }
}

/** Bytes of the files of an export, without the manifest. */
export function fileBytes({files}: Pick<Manifest, 'files'>): number {
  return files.reduce((sum, {bytes}) => sum + bytes, 0)
}

function noteOf({manifest, location, status}: Exported): string {
  const what = `${plural(manifest.rows ?? 0, 'row')}, ${formatBytes(fileBytes(manifest))} in ${location}`
  return status === 'found' ? `already exported and verified: ${what}` : `${what}, read back and equal to the table`
}

/**
 * Exports of relations as steps, and a note about those that are exported already.
 * @param noun what the relations are: `chunk`
 */
export async function planExports(
  db: Database,
  settings: ExportSettings,
  subjects: readonly (Subject & Pick<ExportRequest, 'bytes'>)[],
  noun: string,
): Promise<{steps: Step[]; notes: string[]}> {
  const exported = await readExported(db, settings, subjects)
  return {
    steps: subjects
      .filter((subject) => !exported.has(subject))
      .map((subject) => exportStep({...subject, settings, dependsOn: []})),
    notes:
      exported.size === 0 ? [] : [`Exported already, verified and not changed since: ${plural(exported.size, noun)}.`],
  }
}

/** Which of these relations have a verified export of the rows that they have now. Reads every row version. */
export async function readExported(
  db: Database,
  settings: ExportSettings,
  subjects: readonly Subject[],
): Promise<Set<Subject>> {
  const exported = new Set<Subject>()
  if (subjects.length === 0) return exported
  const store = await openStore(settings, db.target)
  try {
    for (const subject of subjects) if (await isExported(db, store, settings, subject)) exported.add(subject)
  } finally {
    store.close()
  }
  return exported
}

async function isExported(db: Database, store: Store, settings: ExportSettings, subject: Subject): Promise<boolean> {
  const source = await readSource(db, db.server, subject)
  const {found, data} = await findSlot(store, source, settings.format)
  if (found?.state !== 'verified' || found.rowVersions === null) return false
  if ((await store.size(data)) !== fileBytes(found)) return false
  try {
    const all = {...readOnlySettings, statementTimeout: 0}
    return (await db.transaction(all, (tx) => readVersions(tx, db, source))) === found.rowVersions
  } catch (error) {
    // Locked, or this role may not read it: the step then says so.
    if (isConnectionLost(error)) throw error
    return false
  }
}

/**
 * The work that precedes a drop: finds the verified export, and adds statements that compare it with the table under a
 * lock that only readers pass. A drop whose export is missing, or whose rows have changed since, changes nothing.
 * The lock is upgraded by the drop itself, whose lock timeout is shorter than PostgreSQL's deadlock_timeout.
 */
export function requireExported(subjects: readonly Subject[], settings: ExportSettings): StepWork {
  return {
    words: `drop only what is exported to ${settings.to}, verified, and not changed since`,
    async run(db) {
      const store = await openStore(settings, db.target)
      try {
        const statements: Statement[] = []
        for (const subject of subjects) statements.push(...(await guardOf(db, store, settings, subject)))
        return {statements, bytes: null, note: null}
      } finally {
        store.close()
      }
    },
  }
}

async function guardOf(db: Database, store: Store, settings: ExportSettings, subject: Subject): Promise<Statement[]> {
  const source = await readSource(db, db.server, subject)
  const {found, data} = await findSlot(store, source, settings.format)
  if (found?.state !== 'verified' || (await store.size(data)) !== fileBytes(found))
    throw new OpsError(
      'NOT_EXPORTED',
      `${subject.relation} has no verified export in ${settings.to}, so it was not dropped.`,
      {exit: ExitCode.refused, suggestions: ['Repeat the command: it exports the table before the drop.']},
    )
  const locks = source.lockable.map((name) => statement(`lock table only ${name} in share row exclusive mode`))
  return [...locks, ...(await comparison(db, source, found))]
}

/** The content is compared by a query that is built here: nothing of a manifest is executed. */
async function comparison(db: Database, source: Source, manifest: Manifest): Promise<Statement[]> {
  const {relation, heaps} = source
  if (heaps !== null && manifest.rowVersions !== null)
    return [statement(versionGuard(heaps, manifest.rowVersions, relation))]
  const text = new Set(manifest.columns.filter(({asText}) => asText !== null).map(({name}) => name))
  const columns = (await readColumns(db, relation, manifest.format)).map((column) =>
    text.has(column.name) ? storedAsText(column, '') : column,
  )
  const expected = `${manifest.rows} ${manifest.content.checksum}`
  return [exactSettings, statement(contentGuard(relation, contentQuery(columns, relation), expected))]
}
