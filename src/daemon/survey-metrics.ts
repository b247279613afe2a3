import type {SurveyAnswer, SurveyedTable} from './metrics-cache.js'

/** The part of a gauge of prom-client that is used here. */
interface SurveyGauge<L extends string> {
  reset(): void
  remove(): void
  set(value: number): void
  set(labels: Partial<Record<L, string | number>>, value: number): void
}

type MakeGauge = <L extends string = never>(
  name: string,
  help: string,
  labelNames?: L[],
  collect?: (gauge: SurveyGauge<L>) => void,
) => unknown

type ReadSurvey = () => SurveyAnswer & {at: number | null}

/** Tables and policies as the reports show them. The database is read only while a client scrapes. */
export function surveyGauges(gauge: MakeGauge, metricsCache: ReadSurvey): void {
  const perTable = (name: string, help: string, value: (table: SurveyedTable) => number | null) =>
    gauge(name, help, ['schema', 'table'], (g) => {
      g.reset()
      for (const table of metricsCache().tables) {
        const number = value(table)
        if (number !== null) g.set({schema: table.schema, table: table.table}, number)
      }
    })
  perTable(
    'table_size_bytes',
    'Size of a table or aggregate with indexes and TOAST, measured as in `stats`; absent if a part of it was locked.',
    ({totalBytes}) => totalBytes,
  )
  perTable('table_newest_timestamp_seconds', 'Time of the newest row of a table.', ({newest}) => newest)
  gauge('table_chunks', 'Chunks or partitions of a table.', ['schema', 'table', 'compressed'], (g) => {
    g.reset()
    for (const {schema, table, chunks, compressedChunks} of metricsCache().tables) {
      g.set({schema, table, compressed: 'true'}, compressedChunks)
      g.set({schema, table, compressed: 'false'}, chunks - compressedChunks)
    }
  })
  gauge(
    'policy_not_done',
    'Chunks or ranges that a policy should have processed by now and has not.',
    ['schema', 'table', 'kind'],
    (g) => {
      g.reset()
      for (const {schema, table, kind, notDone} of metricsCache().policies)
        if (notDone !== null) g.set({schema, table, kind}, notDone)
    },
  )
  gauge(
    'policy_ok',
    'Whether a policy is up to date and its runner alive; absent if unknown.',
    ['schema', 'table', 'kind'],
    (g) => {
      g.reset()
      for (const {schema, table, kind, ok} of metricsCache().policies)
        if (ok !== null) g.set({schema, table, kind}, ok ? 1 : 0)
    },
  )
  partitionGauges(gauge, metricsCache)
  gauge(
    'survey_timestamp_seconds',
    'When tables and policies were last read; absent before the first reading.',
    [],
    (g) => {
      const {at} = metricsCache()
      // Without a value prom-client would report 0, which is 1970.
      if (at === null) g.remove()
      else g.set(at)
    },
  )
}

const secondsPerDay = 86_400

function partitionGauges(gauge: MakeGauge, metricsCache: ReadSurvey): void {
  gauge(
    'partitions_ahead',
    'Partitions of a declared set after the current one, without a gap.',
    ['schema', 'table'],
    (g) => {
      g.reset()
      for (const {schema, table, ahead} of metricsCache().partitions) g.set({schema, table}, ahead)
    },
  )
  gauge(
    'partitions_covered_until_timestamp_seconds',
    'Until when partitions cover the time without a gap; afterwards inserts fail, or rows go to the default ' +
      'partition (label outcome).',
    ['schema', 'table', 'outcome'],
    (g) => {
      g.reset()
      for (const {schema, table, coveredUntil, hasDefault} of metricsCache().partitions)
        if (coveredUntil !== null) g.set({schema, table, outcome: hasDefault ? 'default' : 'fails'}, coveredUntil)
    },
  )
  gauge(
    'partitions_seconds_left',
    'Time until inserting into a declared partition set fails; absent with a default partition.',
    ['schema', 'table'],
    (g) => {
      g.reset()
      for (const {schema, table, daysLeft} of metricsCache().partitions)
        if (daysLeft !== null) g.set({schema, table}, daysLeft * secondsPerDay)
    },
  )
}
