import type {PolicyKindName} from '../catalog/live-policies.js'
import {messageOf} from '../errors.js'
import type {Target} from '../db/database.js'
import {redact} from '../db/redact.js'
import {databaseVariables, type Environment} from '../db/libpq.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {formatDuration, type Duration} from '../units/duration.js'
import {jobsOf, type Job} from './jobs.js'
import {limitSettings, type GivenLimits} from './limits.js'
import type {Config} from './load.js'
import {strongest, type From, type Setting} from './precedence.js'
import {databasesText, parseSelector} from './target-names.js'
import {resolveTarget, roleSetting, targetLabel, type TargetRequest} from './target.js'

export interface ShownTarget {
  name: string
  /** As in the file: variables are not expanded. */
  url: string
  directUrl: string | null
  role: string | null
  protected: boolean
  /** The patterns of the databases of this server, separated by commas; null for a target that is one database. */
  databases: string | null
  labels: Readonly<Record<string, string>>
  /** Variables that the URL uses and that are not set. */
  unset: string[]
}

/** The effective configuration; it has no passwords. */
export interface ShownConfig {
  file: string | null
  default: string | null
  /**
   * The database that a read-only command would use, or the error. `target` is null if libpq's environment selects
   * it; `variables` are the environment variables that do.
   */
  chosen: {target: string | null; from: From; source: string; variables: string[]} | {error: string}
  /** How the file was found: --config, or the search in the working directory and above. */
  fileFrom: From
  /** The role for changes; null: the connecting role. */
  role: Setting<string | null>
  migrations: Setting<string>
  targets: ShownTarget[]
  /** Groups of targets, with the names and patterns that select them. */
  groups: {name: string; targets: string[]; labels: Readonly<Record<string, string>>}[]
  limits: {
    lockTimeout: Setting<string>
    exclusiveLockTimeout: Setting<string>
    lateAfter: Setting<string>
    maxDropPerRun: Setting<number>
    acceptedHazards: Setting<string>
  }
  tables: {table: string; described: boolean; declares: string[]}[]
  aggregates: {aggregate: string; declares: string[]}[]
  /**
   * Every setting of tables and aggregates; defaults come from QiCore's definitions and apply only to a database with
   * those tables.
   */
  policies: ShownPolicy[]
  /** Active jobs. */
  jobs: string[]
  jobSettings: ShownJob[]
  /** Jobs disabled with `none`. */
  jobsOff: string[]
}

export interface ShownPolicy {
  schema: string
  table: string
  kind: 'chunkInterval' | PolicyKindName | 'partitions'
  /** In words: `30 days, segmentBy symbol`; `none` for an explicit none. */
  rule: string
  from: 'config' | 'default'
}

/** A job with all its settings; times as durations. `given`: the fields that the configuration sets. */
export interface ShownJob {
  name: string
  kind: string
  schedule: string
  settings: Record<string, string | number | null>
  options: Record<string, unknown>
  given: readonly string[]
  from: 'config' | 'default'
}

/** The default settings of a job. */
export function jobDefaults(): ShownJob['settings'] {
  return settingsOf(jobsOf({})[0]!)
}

/** @param request values of the flags */
export function shownConfig(
  config: Config | null,
  request: TargetRequest & GivenLimits & {config?: string | undefined},
  env: Environment,
  cwd: string,
  policies: ShownPolicy[] = [],
): ShownConfig {
  const jobs = jobsOf(config?.jobs ?? {})
  const limits = limitSettings(config, request, env)
  const time = ({value, from, source}: Setting<number>): Setting<string> => ({
    value: formatDuration({months: 0, days: 0, seconds: value / 1000}),
    from,
    source,
  })
  return {
    file: config?.file ?? null,
    fileFrom: request.config === undefined ? 'default' : 'flag',
    default: config?.default ?? null,
    ...chosen(config, request, env, cwd),
    migrations: strongest<string>({config: {file: config?.file, value: config?.migrations}, default: 'all'}),
    targets: Object.entries(config?.targets ?? {}).map(([name, target]) => shownTarget(name, target, env)),
    groups: Object.entries(config?.groups ?? {}).map(([name, {targets, labels}]) => ({
      name,
      targets,
      labels: labels ?? {},
    })),
    limits: {
      lockTimeout: time(limits.lockTimeout),
      exclusiveLockTimeout: time(limits.exclusiveLockTimeout),
      lateAfter: time(limits.lateAfter),
      maxDropPerRun: limits.maxDropPerRun,
      acceptedHazards: strongest<string>({
        config: {file: config?.file, value: config?.limits.acceptedHazards?.join(', ')},
        default: 'none',
      }),
    },
    tables: Object.entries(config?.tables ?? {}).map(([table, entry]) => ({
      table: normal(table),
      described: entry.columns !== undefined,
      declares: described(entry, ['chunkInterval', 'partitions', 'compression', 'retention']),
    })),
    aggregates: Object.entries(config?.aggregates ?? {}).map(([aggregate, entry]) => ({
      aggregate: normal(aggregate),
      declares: described(entry, ['refresh', 'compression', 'retention']),
    })),
    policies,
    jobs: jobs.map(({name}) => name),
    jobSettings: jobs.map((job) => ({
      name: job.name,
      kind: job.kind,
      schedule: job.schedule,
      settings: settingsOf(job),
      options: optionsOf(job),
      given: job.given,
      from: job.declared ? 'config' : 'default',
    })),
    jobsOff: Object.entries(config?.jobs ?? {})
      .filter(([, job]) => job === 'none')
      .map(([name]) => name),
  }
}

function shownTarget(
  name: string,
  {url, directUrl, role, protected: guarded, databases, labels}: Config['targets'][string],
  env: Environment,
): ShownTarget {
  return {
    name,
    url: redact(url),
    directUrl: directUrl === undefined ? null : redact(directUrl),
    role: role ?? null,
    protected: guarded,
    databases: databases === undefined ? null : databasesText(databases),
    labels: labels ?? {},
    unset: [...`${url} ${directUrl ?? ''}`.matchAll(/\$\{(\w+)\}/g)]
      .map(([, variable]) => variable!)
      .filter((variable) => !env[variable]),
  }
}

function settingsOf({
  timezone,
  window,
  timeout,
  retries,
  backoff,
  catchUp,
  catchUpLimit,
  overlap,
  jitter,
  lateAfter,
  runner,
}: Job): ShownJob['settings'] {
  const length = (ms: number) => formatDuration({months: 0, days: 0, seconds: ms / 1000})
  return {
    timezone,
    window,
    timeout: length(timeout),
    retries,
    backoff: length(backoff),
    catchUp,
    catchUpLimit,
    overlap,
    jitter: length(jitter),
    lateAfter: length(lateAfter),
    runner,
  }
}

/** Options that depend on the kind of the job (tables, a file, a statement); durations as text. */
function optionsOf(job: Job): Record<string, unknown> {
  const {keep, ...options} = job.options as Record<string, unknown> & {keep?: Duration}
  return keep === undefined ? options : {...options, keep: formatDuration(keep)}
}

function chosen(
  config: Config | null,
  request: TargetRequest,
  env: Environment,
  cwd: string,
): Pick<ShownConfig, 'chosen' | 'role'> {
  try {
    const target = resolveTarget(request, env, config, cwd)
    const {source} = target
    const from = fromOf(source)
    const variables = source === 'libpq' ? databaseVariables(env) : [source]
    const entry = target.name === null ? null : (config?.targets[parseSelector(target.name).target] ?? null)
    return {
      chosen: {target: targetLabel(target), from, source, variables: from === 'environment' ? variables : []},
      role: roleSetting(request, env, config, entry),
    }
  } catch (error) {
    return {chosen: {error: messageOf(error)}, role: roleSetting(request, env, config, null)}
  }
}

function fromOf(source: Target['source']): From {
  if (source === 'config') return 'config'
  return source.startsWith('--') ? 'flag' : 'environment'
}

function described(entry: object, kinds: readonly string[]): string[] {
  return kinds.filter((kind) => (entry as Record<string, unknown>)[kind] !== undefined)
}

function normal(text: string): string {
  const {schema, name} = parseQualifiedName(text)
  return formatQualifiedName(schema ?? 'public', name)
}
