import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Server} from '../../../src/db/server.js'
import {hazardsOf, type HazardFacts} from '../../../src/doctor/hazards.js'
import {isAffected, type Hazard} from '../../../src/run/hazards/hazard.js'
import {compareVersions} from '../../../src/units/version.js'
import {pgCronHazards} from '../../../src/run/hazards/pg-cron.js'
import {knownHazards} from '../../../src/run/hazards/known.js'
import {readSnapshot} from '../../../src/catalog/snapshot.js'
import {askDoctor} from '../../helpers/doctor.js'
import {forEachEngine} from '../../helpers/engines.js'
import {applicationName} from '../../helpers/server.js'

const idsOf = (hazards: readonly Hazard[]) => hazards.map(({id}) => id)

describe('the known defects', () => {
  it('are at least 25, each with a unique id, a sentence, a version with the fix and a source', () => {
    expect(new Set(idsOf(knownHazards)).size).toBe(knownHazards.length)
    expect(knownHazards.length).toBeGreaterThanOrEqual(25)
    for (const {id, what, fixedIn, since, source} of knownHazards) {
      expect(what, id).toMatch(/^[A-Z].*\.$/)
      expect(source, id).toMatch(/^https:/)
      for (const fixed of fixedIn) {
        expect(fixed, id).toMatch(/^\d+(\.\d+)+$/)
        if (since !== null) expect(compareVersions(since, fixed), id).toBeLessThan(0)
      }
    }
  })

  it('affect the versions from the first to the last before the fix, of PostgreSQL within a major version', () => {
    const of = (product: Hazard['product'], since: string | null, fixedIn: string[]) => ({
      ...knownHazards[0]!,
      product,
      since,
      fixedIn,
    })
    const refresh = of('timescaledb', '2.19.0', ['2.29.0'])
    const affected = ['2.18.2', '2.19.0', '2.23.0-dev', '2.28.10', '2.29.0', '2.30.0'].filter((version) =>
      isAffected(refresh, version),
    )
    expect(affected).toEqual(['2.19.0', '2.23.0-dev', '2.28.10'])
    const interface17 = of('postgresql', '17.1', ['17.2'])
    expect(['16.5', '17.0', '17.1', '17.2', '18.0'].filter((version) => isAffected(interface17, version))).toEqual([
      '17.1',
    ])
    const open = of('timescaledb', '2.25.1', [])
    expect(['2.25.0', '2.25.1', '99.0'].filter((version) => isAffected(open, version))).toEqual(['2.25.1', '99.0'])
  })
})

forEachEngine({kinds: ['timescaledb'], native: false}, (engine) => {
  it('without a fix in any version is found where it is met, with what helps instead', async () => {
    const database = await engine.database()
    const {run, db} = database
    const critical = async () => {
      const {all, policies} = await readSnapshot(db, {lateAfter: 0, timeUnits: new Map()})
      const server = {...db.server, timescaledb: '2.29.2'}
      return idsOf(hazardsOf(knownHazards, {server, tables: all, policies, cron: null}).map(({hazard}) => hazard))
    }
    await run('create table public.t (time timestamptz not null, v int)')
    await run("select create_hypertable('public.t', by_range('time', interval '1 day'))")
    const view = (name: string, bucket: string) =>
      run(`create materialized view ${name} with (timescaledb.continuous) as
        select ${bucket} as bucket, sum(v) as v from public.t group by 1 with no data`)
    await view('hours', "time_bucket(interval '1 hour', time)")
    expect(await critical()).not.toContain('timescaledb-10296')
    await view('local_days', "time_bucket(interval '1 day', time, timezone => 'Europe/Vienna')")
    expect(await critical()).toContain('timescaledb-10296')
  })

  it('are found if the database has what they affect, and not in the version with the fix', async () => {
    const database = await engine.database()
    const {run, db} = database
    const ids = async (timescaledb = db.server.timescaledb) => {
      const {all, policies} = await readSnapshot(db, {lateAfter: 0, timeUnits: new Map()})
      const met = hazardsOf(knownHazards, {server: {...db.server, timescaledb}, tables: all, policies, cron: null})
      return idsOf(met.map(({hazard}) => hazard))
    }
    expect(await ids()).toEqual([])
    await run('create table public.t (time timestamptz not null, v int)')
    await run("select create_hypertable('public.t', by_range('time', interval '1 day'))")
    await run("insert into public.t values ('2026-11-01 00:00+00', 1)")
    await run('alter table public.t set (timescaledb.compress)')
    expect(await ids()).not.toContain('timescaledb-10254')
    await run("select compress_chunk(c) from show_chunks('public.t') c")
    expect(await ids()).toContain('timescaledb-10254')
    expect(await ids('2.28.3')).not.toContain('timescaledb-10254')
    expect(await ids('99.0.0')).toEqual([])
    const {status, findings} = await askDoctor(database, 'hazards.loss')
    expect(status).toBe('critical')
    expect(findings.map(({data}) => data.id)).toContain('timescaledb-10254')
    const config = '{"recompress": false}'
    const policy =
      "select add_compression_policy('public.t', interval '100 years', initial_start => '2100-01-01 00:00+00')"
    await run(policy)
    await run(
      `select alter_job(job_id, config => config || '${config}') from timescaledb_information.jobs where proc_name = 'policy_compression'`,
    )
    expect(await ids()).toContain('timescaledb-9590')
  })
})

describe('the defects of pg_cron', () => {
  const facts = (
    from: string | null,
    to: string | null,
    cron: HazardFacts['cron'],
    versionNum = 160_004,
  ): HazardFacts => ({
    server: {versionNum, pgCron: '1.4-1', pgCronRange: {from, to}, timescaledb: null, postgres: '99.0'} as Server,
    tables: [],
    policies: [],
    cron,
  })
  const met = (...args: Parameters<typeof facts>) =>
    Object.fromEntries(hazardsOf(pgCronHazards, facts(...args)).map(({hazard, certainty}) => [hazard.id, certainty]))
  const all = (...schedules: string[]) => ({schedules, complete: true})

  it('are certain, possible or excluded by the range of versions and by the schedules', () => {
    expect(met('1.6.0', '1.6.0', all('0 3 1 * *'))).toMatchObject({'pg_cron-292': 'certain'})
    expect(met('1.6.0', null, all('0 3 1 * *'))).toMatchObject({'pg_cron-292': 'possible'})
    expect(met('1.6.0', null, all('0 3 * * *'))).not.toHaveProperty('pg_cron-292')
    expect(met('1.6.0', '1.6.0', {schedules: [], complete: false})).toMatchObject({'pg_cron-292': 'possible'})
    expect(met('1.6.3', null, all('0 3 1 * *'))).not.toHaveProperty('pg_cron-292')
    expect(met('1.5.0', '1.5.0', all('5 3 * * *'))).toMatchObject({'pg_cron-239': 'certain'})
    expect(met('1.4.2', '1.4.2', all('5 3 * * *'))).not.toHaveProperty('pg_cron-239')
    expect(met('1.4.2', '1.4.2', all('5 3 * * *'))).toMatchObject({'pg_cron-319': 'certain'})
    expect(met('1.4.2', '1.4.2', all('5 3 * * *'), 140_011)).not.toHaveProperty('pg_cron-319')
    expect(met('1.6.6', null, all('5 3 1 * *'))).toEqual({})
  })

  it('of the library under older objects are found by the version of the objects', () => {
    expect(met('1.6.3', '1.6.3', all())).toEqual({'pg_cron-347': 'certain'})
    expect(met('1.5.0', '1.5.2', null)).toEqual({'pg_cron-262': 'possible', 'pg_cron-347': 'certain'})
  })
})

/** What Debian's packages of the servers of the tests are known to be. */
const packages: Readonly<Record<string, {from: string; to: string | null}>> = {
  15: {from: '1.4.2', to: '1.4.2'},
  17: {from: '1.6.3', to: null},
}

forEachEngine({native: true}, (engine) => {
  it('the range of pg_cron of a running server holds the version that is installed', async (context) => {
    const {db} = await engine.database()
    const {pgCronRange, postgres} = db.server
    const expected = packages[postgres.split('.')[0]!]
    if (pgCronRange === null || expected === undefined) return context.skip('this server does not run pg_cron')
    expect(pgCronRange).toEqual(expected)
    // In the database of pg_cron, which other tests share: read only.
    const home = await connect(db.sibling(db.server.pgCronDatabase!), {applicationName})
    try {
      if (home.server.pgCron === null) return context.skip('pg_cron is preloaded, but its extension is not created')
      expect(await askDoctor({db: home}, 'condition.cron_update_pending')).toMatchObject({status: 'passed'})
      const {status, missing} = await askDoctor({db: home}, 'hazards.pg_cron_version')
      expect([status, missing], 'certain defects only, or those of its range').toEqual(
        expected.to === null && status === 'unknown'
          ? ['unknown', expect.stringContaining('pg_cron is 1.6.3 or newer. SQL does not show its version')]
          : ['passed', null],
      )
    } finally {
      await home.close()
    }
  })
})
