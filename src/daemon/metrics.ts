/** The only importer of prom-client. Names and units follow Prometheus: base units, counters end in _total. */
import {Counter, Gauge, Histogram, Registry} from 'prom-client'
import type {JobRegistry} from './job-registry.js'
import type {DaemonEvent} from '../jobs/events.js'
import type {SurveyAnswer} from './metrics-cache.js'
import {surveyGauges} from './survey-metrics.js'

/** One target of a daemon. */
export interface MetricsSource {
  /** The label `target` of all its metrics. */
  target: string
  registry(): JobRegistry | null
  connected(): boolean
  runningCount(): number
  skew(): number
  now(): number
  /** The last values of tables and policies with their time (seconds since 1970); may start to read new ones. */
  metricsCache(): SurveyAnswer & {at: number | null}
}

export interface TargetMetrics {
  count(event: DaemonEvent): void
  /** In Prometheus' text format. */
  text(): Promise<string>
}

/** The metrics of a daemon. */
export interface Metrics {
  contentType: string
  text(): Promise<string>
}

/** Milliseconds. */
const textFor = 1_000
const prefix = 'qicore_db_'
const latenessBuckets = [0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 1_800, 7_200]
const durationBuckets = [0.01, 0.05, 0.25, 1, 5, 30, 60, 300, 1_800, 7_200]

/** The metrics of one target, in a registry of their own, so that those of a removed target disappear. */
export function metricsOf(source: MetricsSource): TargetMetrics {
  const registry = new Registry()
  registry.setDefaultLabels({target: source.target})
  const make = makers(registry)
  targetMetrics(make, source)
  const count = eventCounters(make, source)
  jobGauges(make, source)
  surveyGauges(make.gauge, source.metricsCache)
  return {count, text: () => registry.metrics()}
}

/** The metrics of the process and of all targets as one text. */
export function daemonMetrics(version: string, targets: () => readonly {metrics: TargetMetrics}[]): Metrics {
  const registry = new Registry()
  processMetrics(makers(registry), version)
  const make = async () =>
    joinMetrics(await Promise.all([registry.metrics(), ...targets().map(({metrics}) => metrics.text())]))
  let madeAt = -Infinity
  let made = Promise.resolve('')
  return {
    contentType: registry.contentType,
    text() {
      // At most once a second, however many clients scrape.
      if (performance.now() - madeAt > textFor) {
        madeAt = performance.now()
        made = make()
      }
      return made
    },
  }
}

/** Each metric may appear only once in a text: joins the samples of those with the same name. */
function joinMetrics(texts: readonly string[]): string {
  const samples = new Map<string, string[]>()
  for (const text of texts)
    for (const block of text.trimEnd().split('\n\n')) {
      const [help, type, ...lines] = block.split('\n')
      const heading = `${help}\n${type}`
      const known = samples.get(heading)
      if (known === undefined) samples.set(heading, lines)
      else known.push(...lines)
    }
  return [...samples].map(([heading, lines]) => [heading, ...lines, ''].join('\n')).join('\n')
}

type MakeGauge = <L extends string = never>(
  name: string,
  help: string,
  labelNames?: L[],
  collect?: (gauge: Gauge<L>) => void,
) => Gauge<L>

interface Makers {
  gauge: MakeGauge
  counter<L extends string = never>(name: string, help: string, labelNames?: L[]): Counter<L>
  histogram<L extends string = never>(name: string, help: string, buckets: number[], labelNames?: L[]): Histogram<L>
  /** A counter whose value is kept elsewhere. */
  counted(name: string, help: string, value: () => number): void
}

function makers(registry: Registry): Makers {
  const own = {registers: [registry]}
  return {
    gauge: <L extends string = never>(
      name: string,
      help: string,
      labelNames: L[] = [],
      collect?: (gauge: Gauge<L>) => void,
    ) =>
      new Gauge<L>({
        name: prefix + name,
        help,
        labelNames,
        ...own,
        ...(collect && {
          collect() {
            collect(this as Gauge<L>)
          },
        }),
      }),
    counter: <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
      new Counter<L>({name: prefix + name, help, labelNames, ...own}),
    histogram: <L extends string = never>(name: string, help: string, buckets: number[], labelNames: L[] = []) =>
      new Histogram<L>({name: prefix + name, help, buckets, labelNames, ...own}),
    counted(name, help, value) {
      new Counter({
        name: prefix + name,
        help,
        ...own,
        collect() {
          this.reset()
          this.inc(value())
        },
      })
    },
  }
}

function processMetrics({gauge, counted}: Makers, version: string): void {
  gauge('build_info', 'A constant 1 with the version.', ['version', 'node_version']).set(
    {version, node_version: process.versions.node},
    1,
  )
  gauge('process_resident_memory_bytes', 'Resident memory of the daemon.', [], (g) => g.set(process.memoryUsage.rss()))
  counted('process_cpu_seconds_total', 'CPU time used by the daemon.', () => {
    const {user, system} = process.cpuUsage()
    return (user + system) / 1e6
  })
}

function targetMetrics({gauge}: Makers, source: MetricsSource): void {
  gauge('database_up', 'Whether the database was reachable at the last attempt.', [], (g) =>
    g.set(source.connected() ? 1 : 0),
  )
  gauge('occurrences_running', 'Occurrences that this daemon is running.', [], (g) => g.set(source.runningCount()))
  gauge('clock_skew_seconds', "This machine's clock minus the server's.", [], (g) => g.set(source.skew()))
}

/** The metrics that are updated by events. */
function eventCounters({gauge, counter, histogram}: Makers, source: MetricsSource): TargetMetrics['count'] {
  const ended = counter('occurrences_total', 'Occurrences by result.', ['job', 'status', 'reason'])
  const tries = counter('failed_tries_total', 'Failed attempts that are retried.', ['job'])
  const lost = counter('claims_lost_total', 'Occurrences that another daemon reclaimed from this one.')
  const taken = counter('claims_reclaimed_total', 'Occurrences that this daemon reclaimed from another one.')
  const away = counter('database_losses_total', 'Number of times the connection was lost.')
  const steps = counter('steps_total', 'Steps of jobs by result.', ['job', 'status'])
  const bytes = counter('worked_bytes_total', 'Bytes processed by completed steps.', ['job'])
  const lateness = histogram(
    'occurrence_lateness_seconds',
    'Delay from the due time of an occurrence to its start.',
    latenessBuckets,
  )
  const duration = histogram('occurrence_duration_seconds', 'Duration of an attempt.', durationBuckets, ['kind'])
  const lastSuccess = new Map<string, number>()
  const succeeded = (job: string, seconds: number) =>
    void lastSuccess.set(job, Math.max(seconds, lastSuccess.get(job) ?? -Infinity))
  gauge(
    'job_last_success_timestamp_seconds',
    'When the job last succeeded, by any runner or by hand; absent if it never did.',
    ['job'],
    (g) => {
      for (const {job, at} of source.metricsCache().lastDone) succeeded(job, at)
      for (const [job, seconds] of lastSuccess) g.set({job}, seconds)
    },
  )
  const lastDuration = gauge('job_last_duration_seconds', 'Duration of the last attempt.', ['job'])

  const countEnd = ({job, outcome, ms, kind}: Extract<DaemonEvent, {event: 'occurrence_ended'}>) => {
    lastDuration.set({job}, ms / 1000)
    duration.observe({kind}, ms / 1000)
    if (outcome.kind === 'retry' && outcome.error !== null) tries.inc({job})
    if (outcome.kind !== 'ended') return
    ended.inc({job, status: outcome.status, reason: outcome.reason ?? ''})
    if (outcome.status === 'done' || outcome.status === 'done_late') succeeded(job, source.now() / 1000)
    for (const [status, n] of Object.entries(outcome.detail?.steps ?? {})) if (n > 0) steps.inc({job, status}, n)
    if (outcome.detail?.bytes) bytes.inc({job}, outcome.detail.bytes)
  }
  return (event) => {
    if (event.event === 'job' && event.lastDone !== null) succeeded(event.job, Date.parse(event.lastDone) / 1000)
    if (event.event === 'claim_lost') lost.inc()
    if (event.event === 'reclaimed') taken.inc()
    if (event.event === 'connection_lost' && event.attempt === 1) away.inc()
    if (event.event === 'instants_skipped')
      ended.inc({job: event.job, status: 'skipped', reason: event.reason}, event.count)
    if (event.event === 'occurrence_started' && event.attempt === 1) lateness.observe(Math.max(0, event.late))
    if (event.event === 'occurrence_ended') countEnd(event)
  }
}

function jobGauges({gauge}: Makers, source: MetricsSource): void {
  gauge('jobs', 'Jobs by state.', ['state'], (g) => {
    g.reset()
    for (const {state, ignoredReason} of source.registry()?.entries() ?? [])
      g.inc({state: ignoredReason === null ? (state?.versions.at(-1)?.state ?? 'unknown') : 'ignored'})
  })
  gauge('job_next_run_timestamp_seconds', 'When the job is next due.', ['job'], (g) => {
    g.reset()
    for (const {job, due} of source.registry()?.entries() ?? [])
      if (due.wakeAt !== null && Number.isFinite(due.wakeAt)) g.set({job: job.name}, due.wakeAt / 1000)
  })
  gauge(
    'job_waiting_seconds',
    'How long the oldest due occurrence has waited for its start; 0 if none waits.',
    ['job'],
    (g) => {
      g.reset()
      for (const {job, due} of source.registry()?.entries() ?? [])
        g.set({job: job.name}, due.waitingSince === null ? 0 : Math.max(0, source.now() - due.waitingSince) / 1000)
    },
  )
}
