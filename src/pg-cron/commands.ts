import type {Job, JobKindName, OptionsOf} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {lackOf} from '../engines/index.js'
import {quoteLiteral} from '../db/sql.js'
import {maintained} from '../jobs/kinds/analyze.js'
import {enforcedNotes, type JobContext} from '../jobs/kind.js'
import {chosenSets} from '../jobs/kinds/partitions.js'
import {retainWork} from '../jobs/kinds/retain.js'
import {policyWork} from '../jobs/kinds/tables.js'
import {readSets} from '../partitions/sets.js'
import {qualifiedName} from '../catalog/table.js'
import {qicore} from '../schema/built-in.js'
import {durationInWords, type Duration} from '../units/duration.js'

/**
 * The commands that pg_cron runs for a job: one CALL, or one for each table or aggregate if a failure of one would stop
 * the others.
 */
export interface JobCommands {
  /** By part; the key `''` is the whole job. Empty if the job has nothing to do in this database. */
  commands: Record<string, string>
  /** Why parts of the job, or all of it, are missing. */
  notes: string[]
  /** Why pg_cron cannot run the job as declared. */
  obstacles?: string[]
}

/** The job as SQL for pg_cron, computed from the catalog: the same work that a daemon would do. */
export function commandsOf(db: Database, job: Job, context: JobContext): Promise<JobCommands> {
  const form = forms[job.kind] as (
    db: Database,
    job: Job,
    options: unknown,
    context: JobContext,
  ) => Promise<JobCommands>
  return form(db, job, job.options, context)
}

type Form<Kind extends JobKindName> = (
  db: Database,
  job: Job,
  options: OptionsOf<Kind>,
  context: JobContext,
) => Promise<JobCommands>

const forms: {[Kind in JobKindName]: Form<Kind>} = {
  maintain: (db, job, options, context) => maintenance(db, job, options, 'all', context),
  async compress(db, job, options, context) {
    const lack = lackOf(db.server.engine, 'compression')
    return lack === null ? maintenance(db, job, options, 'compress', context) : {commands: {}, notes: [lack.why]}
  },
  analyze: (db, job, options, context) => maintenance(db, job, options, 'analyze', context),

  async retain(db, job, {tables}, context) {
    const {keys: whole, staged, exported, enforced, notes} = await retainWork(db, tables, context)
    const keys = [...whole, ...staged.map(({key}) => key)]
    return {
      commands: Object.fromEntries(
        keys.map((key) => [
          key,
          `call qicore.retain(0, ${quoteLiteral(JSON.stringify({object: key, job: job.name}))}::jsonb)`,
        ]),
      ),
      obstacles: exported.map(
        ({key, exportTo}) =>
          `the retention of ${key} exports chunks to ${exportTo.to} before it drops them, and pg_cron cannot ` +
          'write files',
      ),
      notes: [
        ...enforcedNotes(enforced),
        ...notes,
        ...(keys.length + enforced.length === 0 ? ['there is no gated retention policy'] : []),
      ],
    }
  },

  async refresh(db, job, {aggregates}, context) {
    const {subjects, enforced, notes} = await policyWork(db, 'refresh', aggregates, context)
    const commands: Record<string, string> = {}
    const obstacles: string[] = []
    for (const {table, policies} of subjects) {
      const [policy] = policies
      const key = qualifiedName(table)
      const ages = [policy!.startOffset, policy!.endOffset]
      if (policies.length > 1 || ages.some((age) => age === null || typeof age === 'bigint'))
        obstacles.push(`the refresh of ${key} does not have exactly one time window`)
      else
        commands[key] =
          `call qicore.refresh(${[key, job.name].map(quoteLiteral).join(', ')}${table.id === null ? '' : ages.map((age) => `, ${quoteLiteral(durationInWords(age as Duration))}`).join('')})`
    }
    return {
      commands,
      obstacles,
      notes: [
        ...enforcedNotes(enforced),
        ...notes,
        ...(subjects.length + enforced.length === 0 ? ['there is no refresh policy'] : []),
      ],
    }
  },

  async partitions(db, job, options, context) {
    const {rules, unknown} = await chosenSets(db, options, context)
    const there =
      rules.length === 0
        ? []
        : await readSets(
            db,
            rules.map(({relation}) => relation),
            rules,
          )
    const sets = rules
      .filter(({relation}) => there.some((set) => set.relation === relation))
      .map(({relation, every, ahead, timezone, timeUnit, keyFormat}) => ({
        table: relation,
        every,
        ahead,
        timezone,
        ...(timeUnit !== null && {unit: timeUnit}),
        ...(keyFormat !== null && {format: keyFormat}),
      }))
    return {
      commands:
        sets.length === 0
          ? {}
          : {
              '':
                `call qicore.ensure_partitions(${quoteLiteral(JSON.stringify(sets))}::jsonb, ` +
                `${quoteLiteral(job.name)})`,
            },
      notes: [
        ...unknown.map((name) => `${name} is not a declared partition set`),
        ...(sets.length === 0 ? ['this database has no declared partition set'] : []),
      ],
    }
  },

  async 'prune-history'(_db, job, {keep}) {
    return {
      commands: {
        '':
          'call ' +
          `qicore.prune_history(${[durationInWords(keep ?? {months: 0, days: 90, seconds: 0}), job.name].map(quoteLiteral).join(', ')})`,
      },
      notes: [],
    }
  },

  async snapshot() {
    return {
      commands: {},
      notes: [],
      obstacles: ['sizes are measured by the daemon, not by a routine that pg_cron can call'],
    }
  },

  async sql(_db, job, {statement, searchPath}) {
    return {
      commands: {'': `call qicore.run_sql(${[job.name, statement ?? '', searchPath].map(quoteLiteral).join(', ')})`},
      notes: [],
    }
  },
}

async function maintenance(
  db: Database,
  job: Job,
  {tables, atMost}: OptionsOf<'maintain'>,
  work: 'all' | 'compress' | 'analyze',
  context: JobContext,
): Promise<JobCommands> {
  const {there, missing} = await maintained(db, tables, context)
  const notes = missing.map((table) => `${qualifiedName(table)} does not exist in this database`)
  if (there.length === 0) return {commands: {}, notes: [...notes, 'this database has no declared table']}
  const keys = there.map(qualifiedName)
  if (work === 'all' && job.name === 'maintain' && atMost === undefined && tables === undefined && isQicore(keys))
    return {commands: {'': 'call public.maintain_hypertables()'}, notes}
  const parameters = [
    `array[${keys.map(quoteLiteral).join(', ')}]`,
    quoteLiteral(job.name),
    ...(work === 'all' ? [] : [`work => ${quoteLiteral(work)}`]),
    ...(atMost === undefined ? [] : [`at_most => ${atMost}`]),
    ...(tables === undefined ? [] : ['exactly => true']),
  ]
  return {commands: {'': `call qicore.maintain(${parameters.join(', ')})`}, notes}
}

/** Whether these are exactly the tables that maintain_hypertables() maintains. */
function isQicore(keys: readonly string[]): boolean {
  const theirs = qicore.tables.filter(({hypertable}) => hypertable).map(qualifiedName)
  return keys.length === theirs.length && theirs.every((key) => keys.includes(key))
}
