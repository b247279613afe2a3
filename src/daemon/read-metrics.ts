import type {Database} from '../db/database.js'
import type {JobContext} from '../jobs/kind.js'
import type {SurveyAnswer} from './metrics-cache.js'

export interface SurveyRequest extends Pick<JobContext, 'sections' | 'limits' | 'partitions'> {
  /** Jobs of the daemon; none while it only observes, because the qicore schema may be missing, old or unreadable. */
  jobs: readonly string[]
}

/**
 * Tables and policies as `stats` and `policies status` report them, and when each job last succeeded. The modules of
 * the reports are loaded at the first scrape.
 */
export async function readSurvey(
  db: Database,
  {sections, limits, partitions, jobs}: SurveyRequest,
): Promise<SurveyAnswer> {
  const [
    {readStats},
    {readLastDone},
    {readPolicyStatus},
    {readDeclared, timeUnitsOf},
    {readAhead},
    {partitionsDefined},
  ] = await Promise.all([
    import('../reports/stats.js'),
    import('../jobs/store/schedules.js'),
    import('../policies/status/status.js'),
    import('../policies/declared/read-declared.js'),
    import('../partitions/ahead.js'),
    import('../partitions/declared.js'),
  ])
  const declared = await readDeclared(db, sections)
  const {lateAfter} = limits
  // Estimates omit chunks that were never analyzed: a growing table would seem to shrink.
  const {tables} = await readStats(db, {fast: false, managed: new Set(), lateAfter, timeUnits: timeUnitsOf(declared)})
  const {policies} = await readPolicyStatus(db, {declared, lateAfter})
  const sets = await readAhead(db, partitions(await partitionsDefined(db)))
  return {
    partitions: sets.map(({schema, table, there, hasDefault, reach}) => {
      const until = reach.until ?? reach.defaultFrom
      return {
        schema,
        table,
        ahead: there,
        daysLeft: reach.daysLeft,
        coveredUntil: until === null ? null : Date.parse(until) / 1000,
        hasDefault,
      }
    }),
    tables: tables.map(({schema, table, chunks, compressedChunks, totalBytes, sizeBasis, newest}) => ({
      schema,
      table,
      chunks,
      compressedChunks,
      // The sum omits locked chunks, so it is not the size of the table.
      totalBytes: sizeBasis === 'exact' ? totalBytes : null,
      newest: typeof newest === 'string' && newest.endsWith('Z') ? Date.parse(newest) / 1000 : null,
    })),
    lastDone: jobs.length > 0 ? await readLastDone(db, jobs) : [],
    // An entry of pg_cron would have the labels of the table's own policy.
    policies: policies
      .filter(({live}) => live?.cronEntry === undefined)
      .map(({schema, table, kind, notDone, ok}) => ({schema, table, kind, notDone: notDone?.length ?? null, ok})),
  }
}
