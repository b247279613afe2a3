import type {Database} from '../db/database.js'
import type {JobContext} from '../jobs/kind.js'
import type {SurveyAnswer} from './metrics-cache.js'

/** Tables and policies as `stats` and `policies status` show them; those reports are loaded when somebody first scrapes. */
export async function readSurvey(
  db: Database,
  {sections, limits, partitions}: Pick<JobContext, 'sections' | 'limits' | 'partitions'>,
): Promise<SurveyAnswer> {
  const [{readStats}, {readPolicyStatus}, {readDeclared, timeUnitsOf}, {readAhead}, {partitionsDefined}] =
    await Promise.all([
      import('../reports/stats.js'),
      import('../policies/status.js'),
      import('../policies/read-declared.js'),
      import('../partitions/ahead.js'),
      import('../partitions/declared.js'),
    ])
  const declared = await readDeclared(db, sections)
  const {lateAfter} = limits
  // Estimates: exact sizes are for people who ask.
  const {tables} = await readStats(db, {fast: true, managed: new Set(), lateAfter, timeUnits: timeUnitsOf(declared)})
  const {policies} = await readPolicyStatus(db, {declared, lateAfter})
  const sets = await readAhead(db, partitions(await partitionsDefined(db)))
  return {
    partitions: sets.map(({schema, table, there, reach}) => ({schema, table, ahead: there, daysLeft: reach.daysLeft})),
    tables: tables.map(({schema, table, chunks, compressedChunks, totalBytes, newest}) => ({
      schema,
      table,
      chunks,
      compressedChunks,
      totalBytes,
      newest: typeof newest === 'string' && newest.endsWith('Z') ? Date.parse(newest) / 1000 : null,
    })),
    policies: policies.map(({schema, table, kind, notDone, ok}) => ({
      schema,
      table,
      kind,
      notDone: notDone?.length ?? null,
      ok,
    })),
  }
}
