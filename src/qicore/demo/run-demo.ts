import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {OpsError} from '../../errors.js'
import {execute, type ExecuteOptions} from '../../run/execute.js'
import type {Step, StepReport} from '../../run/step.js'
import {planFor} from '../../schema/migrate/request.js'
import {migrateUp} from '../../schema/migrate/run.js'
import {planFill} from './fill.js'
import {analyzeSteps, compressSteps, policySteps, refreshSteps} from './maintain.js'

export interface DemoOptions extends Omit<ExecuteOptions, 'ledger' | 'fence'> {
  /** End of the sample data, in Unix seconds. */
  asOf: number
  actor: string
  targetHost: string
  /** Called at the start of a chapter with its title. */
  onChapter(title: string): void
  /** Additional rows, added between the sample data and the maintenance. */
  extra?: ((db: Database) => Promise<readonly Step[]>) | undefined
}

/** The result of one chapter. */
export interface Chapter {
  title: string
  steps: StepReport[]
}

/**
 * Runs the chapters: schema, sample data, policies, refreshed aggregates, compressed chunks. Each chapter is planned
 * from the current state, so a second run adds only what is missing.
 * @throws OpsError DEMO_FAILED naming the step
 */
export async function runDemo(db: Database, options: DemoOptions): Promise<Chapter[]> {
  const {actor, targetHost, limits, onProgress, stop, cancel} = options
  const chapters: Chapter[] = []
  const finish = (title: string, steps: StepReport[], interrupted = false) => {
    const failed = steps.find(({status}) => status === 'failed')
    if (failed)
      throw new OpsError('DEMO_FAILED', `The demo stopped: ${failed.error ?? failed.id}`, {
        suggestions: ['Run it again to continue where it stopped.'],
      })
    if (interrupted)
      throw new OpsError('INTERRUPTED', 'Interrupted.', {
        exit: 130,
        suggestions: ['Run it again to continue where it stopped.'],
      })
    chapters.push({title, steps})
  }
  const chapter = async (title: string, plan: () => Promise<readonly Step[]> | readonly Step[]) => {
    options.onChapter(title)
    const steps = await plan()
    const report = await execute(
      db,
      {operation: 'demo', summary: title, cutoff: null, tables: [], locks: [], steps},
      {limits, onProgress, stop, cancel, ledger: null},
    )
    finish(title, report.steps, report.interrupted)
  }
  options.onChapter('schema')
  const {request} = await planFor(db, {})
  const migrated = await migrateUp(db, request, {actor, targetHost}, {limits, onProgress, stop, cancel})
  finish('schema', migrated.steps, migrated.interrupted)
  await chapter('sample market', () => planFill(db, options.asOf))
  if (options.extra) await chapter('candles', () => options.extra!(db))
  await chapter('policies', () => policySteps(db))
  await chapter('aggregates', () => refreshSteps(db))
  await chapter('compression', () => compressSteps(db))
  await chapter('statistics', () => analyzeSteps())
  return chapters
}

export interface RowCounts {
  prices: number
  candles: number
  analytics: number
  quotes: number
}

export async function countRows(db: Database): Promise<RowCounts> {
  const [row] = await db.query<RowCounts>(statement(loadSql('qicore/demo/counts')))
  return row!
}
