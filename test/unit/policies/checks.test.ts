import {describe, expect, it} from 'vitest'
import type {ProofFacts, CheckSubject} from '../../../src/policies/checks/facts.js'
import {ageCell} from '../../../src/policies/kinds/rules.js'
import {ofChanges, openFindings, runChecks, requireKnown, requireSafe} from '../../../src/policies/checks/run-checks.js'
import type {Server} from '../../../src/db/server.js'
import type {Change} from '../../../src/policies/plan/change.js'
import type {LiveRule, TableState} from '../../../src/policies/table-state.js'
import {qualifiedName, newChunk, newTable, type Chunk, type Table} from '../../../src/catalog/table.js'
import {microsOf} from '../../../src/catalog/time.js'
import type {Duration} from '../../../src/units/duration.js'
import {bareRule} from '../../../src/policies/kinds/rules.js'
import {days, duration} from '../../helpers/policies.js'

const at = '2026-06-01T00:00:00Z'
const now = microsOf(at)
const day = 86_400_000_000n
const bare = {...bareRule, job: {id: 1_000, scheduled: true}}
const gate = {maxDropPerRun: 8, timeUnit: null, consentValid: true, jobConsentMatches: true, duplicateJobs: []}

const compression = (after: Duration): LiveRule => ({...bare, kind: 'compression', by: 'timescaledb', after})
const gated = (after: Duration): LiveRule => ({...bare, kind: 'retention', by: 'qicore', after, gate})
const native = (after: Duration): LiveRule => ({...bare, kind: 'retention', by: 'timescaledb', after})
const refresh = (startOffset: Duration | null, endOffset: Duration, schedule = duration('1 hour')): LiveRule => ({
  ...bare,
  kind: 'refresh',
  by: 'timescaledb',
  startOffset,
  endOffset,
  schedule,
})

interface Given {
  policies?: LiveRule[]
  interval?: bigint
  chunks?: Chunk[]
  more?: Partial<CheckSubject>
  source?: Table
  bucket?: Duration
}

/** Daily chunks from that many days ago until now. */
function chunksOf(count: number, status = 0): Chunk[] {
  return Array.from({length: count}, (_, index) =>
    newChunk({
      relation: index,
      schema: 'i',
      name: `c${index}`,
      start: now - BigInt(count - index) * day,
      end: now - BigInt(count - index - 1) * day,
      status,
    }),
  )
}

function subject(
  name: string,
  {policies = [], interval = day, chunks = [], more = {}, source, bucket}: Given,
): CheckSubject {
  const aggregate =
    source === undefined
      ? null
      : {source, watermark: null, bucketWidth: bucket ?? duration('1 hour'), variableBuckets: false}
  const table = newTable({
    kind: source === undefined ? 'hypertable' : 'aggregate',
    schema: 'public',
    name,
    relation: 1,
    timeColumn: 'time',
    time: 'timestamptz',
    id: 1,
    aggregate,
    chunks,
  })
  const state: TableState = {
    key: qualifiedName(table),
    kind: table.kind,
    native: true,
    scale: 'time',
    timeUnitAdvice: 'tables: {public.t: {timeUnit: ms}}',
    columns: [],
    timeColumn: 'time',
    chunkInterval: interval,
    compression: null,
    policies,
  }
  return {
    table,
    state,
    clock: {now, unit: null},
    indexes: 2,
    references: [],
    referencedBy: [],
    bytesPerPoint: null,
    uncovered: [],
    ...more,
  }
}

function facts(...subjects: CheckSubject[]): ProofFacts {
  const server = {
    timescaledb: '2.22.1',
    engine: 'timescaledb',
    policiesOnUuid: false,
    compressionNeedsRefresh: true,
    retentionByCreation: false,
  } as Server
  return {
    server,
    at,
    now,
    subjects: new Map(subjects.map((each) => [each.table, each])),
    lockSpace: 6_400,
    cache: 4 * 2 ** 30,
  }
}

const found = (...subjects: CheckSubject[]) => runChecks(facts(...subjects))
const ids = (...subjects: CheckSubject[]) =>
  found(...subjects)
    .filter(({level}) => level === 'unsafe')
    .map(({id}) => id)

describe('the checks of policies', () => {
  it('find nothing in policies that fit together', () => {
    const t = subject('t', {
      policies: [gated(days(730)), compression(days(30))],
      chunks: chunksOf(10),
      interval: 7n * day,
    })
    const a = subject('a', {policies: [refresh(days(7), duration('1 hour'))], source: t.table, bucket: days(1)})
    expect(found(t, a)).toEqual([])
  })

  it('report an aggregate without a refresh policy under a retention, also one over another aggregate', () => {
    const t = subject('t', {policies: [gated(days(30))], chunks: chunksOf(10)})
    const a = subject('a', {source: t.table})
    const b = subject('b', {policies: [refresh(days(5), days(1))], source: a.table, bucket: days(1)})
    expect(ids(t, a, b)).toEqual(['never-refreshed:public.a'])
    const [finding] = found(t, a, b)
    // The oldest chunk ended nine days ago, so it is dropped in twenty-one.
    expect(finding).toMatchObject({
      effectiveFrom: '2026-06-22T00:00:00Z',
      policies: [
        {key: 'public.t', kind: 'retention'},
        {key: 'public.a', kind: 'refresh'},
      ],
    })
  })

  it('require that a refresh starts at least one chunk after the cutoff of the retention', () => {
    const inside = (start: Duration) => {
      const t = subject('t', {policies: [gated(days(30))]})
      return ids(t, subject('a', {policies: [refresh(start, duration('1 hour'))], source: t.table}))
    }
    expect(inside(days(29))).toEqual([])
    expect(inside(duration('29 days 1 hour'))).toEqual(['refresh-erases:public.a'])
    const t = subject('t', {policies: [native(days(30))]})
    expect(ids(t, subject('a', {policies: [refresh(null, duration('1 hour'))], source: t.table}))).toEqual([
      'refresh-erases:public.a',
    ])
    const [finding] = found(
      t,
      subject('a', {policies: [refresh(days(40), duration('1 hour'))], source: t.table}),
    ).filter(({id}) => id.startsWith('refresh-erases'))
    expect(finding!.suggestion).toBe('startOffset: 29 days')
  })

  it('count a month as its shortest length for kept rows and its longest for a window', () => {
    const t = subject('t', {policies: [gated(duration('1 month'))]})
    const window = (start: Duration) =>
      ids(t, subject('a', {policies: [refresh(start, duration('1 hour'))], source: t.table}))
    expect(window(days(27))).toEqual([])
    expect(window(days(28))).toEqual(['refresh-erases:public.a'])
  })

  it('require two buckets in the window of a refresh', () => {
    const t = subject('t', {})
    const window = (start: Duration) =>
      ids(t, subject('a', {policies: [refresh(start, duration('1 hour'))], source: t.table, bucket: days(1)}))
    expect(window(duration('49 hours'))).toEqual([])
    expect(window(duration('48 hours'))).toEqual(['narrow-window:public.a'])
  })

  it('report a retention that drops rows before their bucket is computed', () => {
    const t = subject('t', {policies: [gated(duration('20 hours'))], interval: day / 24n})
    expect(
      ids(
        t,
        subject('a', {policies: [refresh(duration('10 hours'), duration('1 hour'))], source: t.table, bucket: days(1)}),
      ),
    ).toContain('retention-outruns:public.a')
  })

  it('compute what a retention of 7 days on chunks of 7 days really keeps', () => {
    const t = subject('t', {policies: [gated(days(7))], interval: 7n * day})
    const [finding] = found(t)
    expect(finding).toMatchObject({id: 'coarse-chunks:public.t', level: 'unsafe', suggestion: 'chunkInterval: 1 day'})
    expect(finding!.message).toContain('up to 14 days')
    expect(ids(subject('t', {policies: [gated(days(7))], interval: day}))).toEqual([])
    Object.assign(t.table, {kind: 'partitioned'})
    const [ofSet] = found(t)
    expect(ofSet).toMatchObject({suggestion: 'partitions: { every: 1 day }'})
    expect(ofSet!.message).toContain('in partitions of 7 days, and partitions are dropped whole')
  })

  it('show that an age counts from the creation of a chunk', () => {
    expect(ageCell({after: null, createdBefore: '2 days'})).toBe('2 days since creation')
    expect(ageCell({after: '2 days'})).toBe('2 days')
  })

  it('compare compression with the ranges that a refresh still reads', () => {
    const t = subject('t', {policies: [compression(days(3))], chunks: chunksOf(2)})
    const a = subject('a', {policies: [refresh(days(7), duration('1 hour'))], source: t.table})
    expect(found(t, a)).toMatchObject([
      {
        id: 'compressed-under-refresh:public.a',
        suggestion: 'compression: { after: 7 days }',
        effectiveFrom: '2026-06-03T00:00:00Z',
      },
    ])
    expect(found(subject('t', {policies: [compression(days(3))], chunks: chunksOf(2, 9)}))).toMatchObject([
      {id: 'late-rows:public.t', level: 'note'},
    ])
  })

  it('count the locks of a native drop and the tables that its foreign keys lock', () => {
    const more = {references: ['public.exchanges']}
    const t = (rule: LiveRule) => subject('t', {policies: [rule], chunks: chunksOf(2_000), more})
    expect(ids(t(native(days(30))))).toEqual(['locks:public.t', 'foreign-keys:public.t'])
    expect(ids(t(gated(days(30))))).toEqual([])
    expect(found(t(gated(days(30)))).map(({id, level}) => `${level} ${id}`)).toEqual(['note foreign-keys:public.t'])
    const into = {referencedBy: ['orders_fkey of public.orders']}
    for (const rule of [native(days(30)), gated(days(30))])
      expect(
        found(subject('t', {policies: [rule], more: into})).find(({id}) => id === 'foreign-keys-into:public.t'),
      ).toMatchObject({level: 'unsafe', message: expect.stringContaining('orders_fkey of public.orders')})
    const source = subject('t', {chunks: chunksOf(2_000)})
    expect(ids(source, subject('a', {policies: [refresh(null, days(1))], source: source.table}))).toEqual([
      'locks-refresh:public.a',
    ])
  })

  it('compare the size of a chunk with the memory of the server', () => {
    const t = (bytes: number) => subject('t', {interval: 7n * day, more: {bytesPerPoint: bytes / Number(day)}})
    expect(ids(t(100 * 2 ** 20))).toEqual([])
    expect(found(t(500 * 2 ** 20))).toMatchObject([{id: 'chunk-memory:public.t', suggestion: 'chunkInterval: 1 day'}])
  })

  it('require an integer_now function for integer time', () => {
    const t = subject('t', {policies: [{...compression(days(1)), after: 5n}], interval: 1n})
    const clock = {schema: 'public', name: 'integer_now', safe: true}
    const text = (has: boolean) =>
      ids({
        ...t,
        table: {...t.table, time: 'integer', integerNow: has ? clock : null},
        state: {...t.state, scale: 'ms'},
      })
    expect(text(false)).toEqual(['no-clock:public.t'])
    expect(text(true)).toEqual([])
  })

  it('report rows that no aggregate has covered; gated retention waits for them', () => {
    const more = {
      uncovered: [
        {aggregate: 'public.a', range: '2026-01-01 to 2026-02-01', flags: {from: '2026-01-01', to: '2026-02-01'}},
      ],
    }
    const level = (rule: LiveRule) =>
      found(subject('t', {policies: [rule], more})).find(({id}) => id === 'uncovered:public.a')
    expect(level(native(days(30)))).toMatchObject({
      level: 'unsafe',
      message: expect.stringContaining('2026-01-01 to 2026-02-01'),
    })
    expect(level(gated(days(30)))).toMatchObject({level: 'note'})
  })

  it('suggest nothing for a retention by creation time, because no declaration is equivalent', () => {
    const byCreation = subject('t', {policies: [{...native(days(2)), after: null, createdBefore: days(2)}]})
    expect(found(byCreation).find(({id}) => id === 'ungated:public.t')).toMatchObject({
      suggestion: null,
      message: expect.stringContaining('counts from the creation of a chunk'),
    })
    expect(found(subject('t', {policies: [native(days(2))]})).find(({id}) => id === 'ungated:public.t')).toMatchObject({
      suggestion: expect.stringContaining('after: 2 days'),
    })
  })

  it('refuse an accepted id that no check has; an id that the plan no longer has is no mistake', () => {
    const states = new Map(['public.t', 'public.a:b'].map((key) => [key, {key}]))
    const planned = {findings: [], state: {states}}
    for (const id of ['nosuch', 'uncovered:public.x', 'uncoverd:public.t', 'uncovered:public', 'uncovered'])
      expect(() => requireKnown(planned, [id]), id).toThrowError(
        expect.objectContaining({code: 'NO_SUCH_FINDING', exitCode: 2}),
      )
    for (const id of ['uncovered:public.t', 'ungated:public.t:1000', 'locks:public.a:b']) requireKnown(planned, [id])
  })

  it('refuse a plan only for the tables that it changes, unless each finding is accepted by name', () => {
    const t = subject('t', {policies: [gated(days(7))], interval: 7n * day})
    const findings = found(t)
    const change = (key: string): Change => ({
      do: 'gated retention',
      key,
      after: days(7),
      timeUnit: null,
      maxDropPerRun: 8,
      scheduler: true,
      job: null,
      removes: {jobs: [], native: false},
      why: [],
    })
    expect(ofChanges(findings, [change('public.other')])).toEqual([])
    expect(openFindings(findings, [change('public.t')], []).map(({id}) => id)).toEqual(['coarse-chunks:public.t'])
    expect(() => requireSafe(findings, [change('public.t')], ['another'])).toThrowError(
      expect.objectContaining({code: 'UNSAFE_PLAN', exitCode: 7}),
    )
    expect(() => requireSafe(findings, [change('public.t')], ['coarse-chunks:public.t'])).not.toThrow()
    expect(() => requireSafe(findings, [], [])).not.toThrow()
  })
})
