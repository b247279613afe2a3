import {describe, expect, it} from 'vitest'
import {hazardsOf} from '../../../src/doctor/hazards.js'
import {compareVersions, isAffected, type Hazard} from '../../../src/run/hazards/hazard.js'
import {knownHazards} from '../../../src/run/hazards/known.js'
import {readSnapshot} from '../../../src/catalog/snapshot.js'
import {askDoctor} from '../../helpers/doctor.js'
import {forEachEngine} from '../../helpers/engines.js'

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
  })
})

forEachEngine({kinds: ['timescaledb'], native: false}, (engine) => {
  it('are found if the database has what they affect, and not in the version with the fix', async () => {
    const database = await engine.database()
    const {run, db} = database
    const ids = async (timescaledb = db.server.timescaledb) => {
      const {all, policies} = await readSnapshot(db, {lateAfter: 0, timeUnits: new Map()})
      return idsOf(hazardsOf(knownHazards, {server: {...db.server, timescaledb}, tables: all, policies}))
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
