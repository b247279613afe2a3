import {addInterval} from '../../catalog/interval.js'
import {exportInWords, exportJson, parseExport, type ExportSettings} from '../../export/settings.js'
import {durationInWords, parseDuration, type Duration} from '../../units/duration.js'

/** What happens to a detached partition at an age: it is moved, exported, or both. */
export interface ArchiveStage {
  after: Duration
  /** The schema to which its table is moved; null: it stays. */
  schema: string | null
  /** The tablespace to which its table and indexes are moved; null: they stay. */
  tablespace: string | null
  /** Where its rows are exported to; null: nowhere. */
  export: ExportSettings | null
}

/** The stages of a retention. Ages are those of the data: they count from the end of a partition's range. */
export interface Stages {
  detach: Duration
  archive: ArchiveStage | null
  /** Null: the table is kept for good. */
  drop: Duration | null
}

/** One thing that is done to a partition. `count` follows a detach: the aggregates have all rows of the table. */
export type StageTask = 'detach' | 'count' | 'move' | 'export' | 'drop'

/** How far a partition is, by the catalog and by what is recorded. */
export interface StageState {
  /** End of its range in microseconds since 1970 on the scale of the key; null if it is open or no time. */
  end: bigint | null
  detached: boolean
  /** The aggregates over the set have computed its rows, or none needs them. */
  counted: boolean
  /** The schema of the table, and the tablespaces of the table and its indexes. */
  schema: string
  tablespaces: readonly string[]
  exported: boolean
}

/** A task with the time from which it is due, in microseconds since 1970 on the scale of the key. */
export interface DueTask {
  task: StageTask
  at: bigint
}

/**
 * What is left to do to a partition, in order, with the time from which it is due; empty if nothing is left. A drop is
 * preceded by the export, if one is declared, at any age; a table that is due to be dropped is not moved before.
 * The only place that decides it: reports, plans, policies and jobs ask here.
 */
export function tasksOf(stages: Stages, state: StageState, now: bigint): DueTask[] {
  const {end} = state
  if (end === null) return []
  const {archive} = stages
  const dropAt = stages.drop === null ? null : dueAt(end, stages.drop)
  const gone = dropAt !== null && dropAt <= now
  const archiveAt = archive === null ? null : dueAt(end, archive.after)
  return [
    ...(state.detached ? [] : [{task: 'detach' as const, at: dueAt(end, stages.detach)}]),
    ...(state.detached && !state.counted ? [{task: 'count' as const, at: dueAt(end, stages.detach)}] : []),
    ...(archive?.export && !state.exported ? [{task: 'export' as const, at: archiveAt!}] : []),
    ...(archive !== null && !gone && isElsewhere(archive, state) ? [{task: 'move' as const, at: archiveAt!}] : []),
    ...(dropAt === null ? [] : [{task: 'drop' as const, at: dropAt}]),
  ]
}

/** The tasks that are due now. A partition that is attached has only its detach: the rest follows in a later run. */
export function dueTasks(stages: Stages, state: StageState, now: bigint): StageTask[] {
  const due = tasksOf(stages, state, now).filter(({at}) => at <= now)
  return (state.detached ? due : due.filter(({task}) => task === 'detach')).map(({task}) => task)
}

function isElsewhere({schema, tablespace}: ArchiveStage, state: StageState): boolean {
  return (
    (schema !== null && schema !== state.schema) ||
    (tablespace !== null && state.tablespaces.some((name) => name !== tablespace))
  )
}

const day: Duration = {months: 0, days: 1, seconds: 0}

/**
 * The first time at which a range that ends then is as old as an age. PostgreSQL's subtraction decides, as in every
 * other cutoff: a month before March 30 is February 28, so a range that ends on February 28 is a month old from March
 * 28 on, and one that ends on January 31 from March 1 on (a month before February 28 is January 28).
 */
export function dueAt(end: bigint, age: Duration): bigint {
  let at = addInterval(end, age)
  while (addInterval(at, age, -1) < end) at = addInterval(startOfDay(at), day)
  return at
}

function startOfDay(micros: bigint): bigint {
  const length = 86_400_000_000n
  return micros - (((micros % length) + length) % length)
}

/** The stages as JSON, for the row of the policy and for comparison; ages in words that the program parses. */
export function stagesJson({detach, archive, drop}: Stages): Record<string, unknown> {
  return {
    detach: durationInWords(detach),
    ...(archive === null ? {} : {archive: archiveJson(archive)}),
    ...(drop === null ? {} : {drop: durationInWords(drop)}),
  }
}

function archiveJson({after, schema, tablespace, export: to}: ArchiveStage): Record<string, unknown> {
  return {
    after: durationInWords(after),
    ...(schema === null ? {} : {schema}),
    ...(tablespace === null ? {} : {tablespace}),
    ...(to === null ? {} : {export: exportJson(to)}),
  }
}

/**
 * The stages of a policy's row; null if it has none, or if a field that was edited by hand cannot be read: then nothing
 * is carried out.
 */
export function stagesOf(config: Readonly<Record<string, unknown>>): Stages | null {
  const {detach, archive, drop} = config
  try {
    if (typeof detach !== 'string') return null
    return {
      detach: parseDuration(detach),
      archive: archive === undefined ? null : archiveOf(archive as Record<string, unknown>),
      drop: drop === undefined ? null : parseDuration(String(drop)),
    }
  } catch {
    return null
  }
}

function archiveOf({after, schema, tablespace, export: to}: Record<string, unknown>): ArchiveStage {
  return {
    after: parseDuration(String(after)),
    schema: typeof schema === 'string' ? schema : null,
    tablespace: typeof tablespace === 'string' ? tablespace : null,
    export: to === undefined ? null : parseExport(to),
  }
}

/** The stages in a few words: `detached after 90 days, moved to archive after 1 year, dropped after 2 years`. */
export function stagesInWords({detach, archive, drop}: Stages): string {
  const places = [
    ...(archive?.schema == null ? [] : [`moved to schema ${archive.schema}`]),
    ...(archive?.tablespace == null ? [] : [`moved to tablespace ${archive.tablespace}`]),
    ...(archive?.export == null ? [] : [exportInWords(archive.export)]),
  ]
  return [
    `detached after ${durationInWords(detach)}`,
    ...(archive === null ? [] : [`${places.join(' and ')} after ${durationInWords(archive.after)}`]),
    ...(drop === null ? ['never dropped'] : [`dropped after ${durationInWords(drop)}`]),
  ].join(', ')
}

export function sameStages(some: Stages | null, others: Stages | null): boolean {
  const text = (stages: Stages | null) => JSON.stringify(stages && stagesJson(stages))
  return text(some) === text(others)
}
