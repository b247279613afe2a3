import {expect, it} from 'vitest'
import {runJobOnce, type JobRunResult} from '../../../src/cli/run-job.js'
import {jobsOf, jobsSchema} from '../../../src/config/jobs.js'
import {can} from '../../../src/engines/index.js'
import {readHistory} from '../../../src/jobs/store/history.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'

/** Each kind of relation that a job can name. */
const everywhere = {
  ordinary: 'public.ordinary',
  view: 'public.reader',
  'materialized view': 'public.stored',
  'foreign table': 'public.remote',
  'partitioned table': 'public.parts',
  partition: 'public.parts_2026',
  sequence: 'public.counter',
  missing: 'public.nowhere',
  'missing schema': 'nowhere.t',
} as const
const hypertable = {hypertable: 'public.hyper'} as const
const aggregateStorage = '_timescaledb_internal._materialized_hypertable_2'
const aggregate = {'continuous aggregate': 'public.hourly', 'storage of an aggregate': aggregateStorage} as const
type Relation = keyof typeof everywhere | keyof typeof hypertable | keyof typeof aggregate

const kinds = {
  compress: 'tables',
  retain: 'tables',
  analyze: 'tables',
  partitions: 'tables',
  maintain: 'tables',
  refresh: 'aggregates',
} as const
type Kind = keyof typeof kinds

/** What each kind of job does with a relation: `done`, or the code of the error. */
function expected(kind: Kind, relation: Relation, {kind: engine}: Engine): string {
  const isMissing = ['sequence', 'missing', 'missing schema'].includes(relation)
  if (isMissing) return 'NO_SUCH_TABLE'
  if (kind === 'analyze' || kind === 'maintain') {
    // The wrapper of the foreign table has no handler, so the server refuses ANALYZE.
    if (relation === 'foreign table') return 'failed'
    return relation === 'view' ? 'NOT_A_TABLE' : 'done'
  }
  if (kind === 'partitions') return relation === 'partitioned table' ? 'NOT_DECLARED' : 'NOT_PARTITIONED'
  if (relation === 'storage of an aggregate') return 'NO_SUCH_TABLE'
  if (relation === 'partitioned table')
    return {compress: 'NOT_POSSIBLE_HERE', retain: 'NO_SUCH_POLICY', refresh: 'NOT_AN_AGGREGATE'}[kind]
  if (relation === 'hypertable' && kind === 'compress' && !can(engine, 'compression')) return 'NOT_POSSIBLE_HERE'
  if (relation === 'hypertable') return kind === 'refresh' ? 'NOT_AN_AGGREGATE' : 'NO_SUCH_POLICY'
  return relation === 'continuous aggregate' ? 'NO_SUCH_POLICY' : 'NOT_A_HYPERTABLE'
}

async function withRelations(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  const {run, autocommit} = database
  await run(`create table ordinary (time timestamptz not null, v int);
    create view reader as select * from ordinary;
    create materialized view stored as select * from ordinary;
    drop foreign data wrapper if exists no_handler cascade;
    create foreign data wrapper no_handler;
    create server away foreign data wrapper no_handler;
    create foreign table remote (time timestamptz not null) server away;
    create table parts (time timestamptz not null) partition by range (time);
    create table parts_2026 partition of parts for values from ('2026-01-01 00:00+00') to ('2027-01-01 00:00+00');
    create sequence counter`)
  if (engine.hypertables) {
    await run('create table hyper (time timestamptz not null, v int)')
    await run("select create_hypertable('hyper', 'time')")
  }
  if (engine.kind === 'timescaledb')
    await autocommit(`create materialized view public.hourly with (timescaledb.continuous) as
      select public.time_bucket('1 hour', time) as bucket, count(*) as n from public.hyper group by 1 with no data`)
  return withCore(database)
}

/** The result of `jobs run`; a daemon records the same outcome. */
async function runOf({db}: TestDatabase, kind: Kind, names: readonly string[]): Promise<JobRunResult> {
  const job = {kind, schedule: '0 2 * * *', [kinds[kind]]: [...new Set(names)]}
  return runJobOnce(db, jobsOf(jobsSchema.parse({tested: job})).find(({name}) => name === 'tested')!, {
    flags: {'dry-run': false, yes: true, confirm: db.server.database},
    config: null,
    limits: defaultLimits,
    version: '0',
    at: '2026-11-01T00:00:00Z',
    interactive: false,
    json: true,
    quiet: true,
    sql: true,
    print: () => {},
    printRaw: () => {},
    report: () => {},
  })
}

forEachEngine({not: ['citus']}, (engine) => {
  it('a job that names any kind of relation does its work, or fails with a code, the object and the next command', async () => {
    const database = await withRelations(engine)
    const relations = Object.entries({
      ...everywhere,
      ...(engine.hypertables && hypertable),
      ...(engine.kind === 'timescaledb' && aggregate),
    }) as [Relation, string][]
    for (const kind of Object.keys(kinds) as Kind[]) {
      const {problems, steps} = await runOf(
        database,
        kind,
        relations.map(([, name]) => name),
      )
      const outcomes = relations.map(([relation, name]) => {
        const problem = problems.find(({message}) => new RegExp(`(^|[ "])${name}([ ":]|$)`).test(message))
        const step = steps.find(({id}) => id.endsWith(relation === 'continuous aggregate' ? aggregateStorage : name))
        return [kind, relation, problem?.code ?? step?.status ?? 'nothing']
      })
      expect(outcomes).toEqual(relations.map(([relation]) => [kind, relation, expected(kind, relation, engine)]))
      for (const {exitCode, suggestions} of problems) {
        expect(exitCode).toBe(2)
        expect(suggestions).not.toEqual([])
      }
      const [recorded] = await readHistory(database.db, {jobs: ['tested'], since: null, statuses: null, limit: 1})
      expect(recorded).toMatchObject({status: 'failed', detail: {problems}})
      for (const {message, suggestions} of problems) expect(recorded!.error).toContain(`${message} ${suggestions[0]}`)
    }
  })

  it('a job does the work of the relations that it can, and fails for the others', async () => {
    const database = await withRelations(engine)
    const result = await runOf(database, 'analyze', ['public.ordinary', 'public.nowhere'])
    expect(result).toMatchObject({
      status: 'failed',
      exitCode: 6,
      steps: [{id: 'analyze public.ordinary', status: 'done'}],
      problems: [{code: 'NO_SUCH_TABLE'}],
    })
  })
})
