import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import type {ExportSettings} from '../../../src/export/settings.js'
import type {Manifest} from '../../../src/export/manifest.js'
import {preview} from '../../../src/run/execute.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {run, stepResults} from '../../helpers/aggregates.js'
import {chunkNames, drop, exportChunks, tenDays} from '../../helpers/chunks.js'

const settings = (): ExportSettings => ({to: temporaryDirectory(), format: 'parquet'})
const before = '2024-01-04T00:00:00Z'
const status = (lines: readonly string[]) => lines.map((line) => line.replace(/^.*?: /, ''))

function manifests(to: string): Manifest[] {
  return readdirSync(to, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.manifest.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(to, name), 'utf8')) as Manifest)
}

/** What the hypertable itself has in the range of each chunk. */
async function rowsByRange({run: ask}: TestDatabase): Promise<number[]> {
  const rows = await ask<{rows: number}>(
    `select count(*)::int as rows from m where time < '${before}' group by date_trunc('day', time, 'UTC') order by min(time)`,
  )
  return rows.map(({rows: count}) => count)
}

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('chunks are exported, their files are found by the next plan, and the table is as before', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const to = settings()
    const {plan} = await exportChunks(database.db, 'm', before, to)
    expect(plan.steps.map(({id, class: kind}) => [id, kind])).toEqual(
      names.slice(0, 3).map((name) => [`export _timescaledb_internal.${name}`, 'safe']),
    )
    expect((await preview(database.db, plan)).steps.map((step) => step.status)).toEqual(Array(3).fill('planned'))
    expect(manifests(to.to)).toEqual([])
    expect(status(stepResults(await run(database.db, plan)))).toEqual(Array(3).fill('done'))
    expect(manifests(to.to).map(({state, rows, source}) => [state, rows, source.from?.slice(0, 10)])).toEqual([
      ['verified', 288, '2024-01-01'],
      ['verified', 288, '2024-01-02'],
      ['verified', 288, '2024-01-03'],
    ])
    expect((await exportChunks(database.db, 'm', before, to)).plan.steps).toEqual([])
    expect(await chunkNames(database)).toEqual(names)
  })

  it('a drop with an export drops what is exported, and a second one has nothing to do', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const to = settings()
    const {plan} = await drop(database.db, 'm', before, {exportTo: to})
    expect(plan.steps.map(({kind}) => kind)).toEqual(['export', 'export', 'export', 'drop', 'drop', 'drop'])
    expect(status(stepResults(await run(database.db, plan)))).toEqual(Array(6).fill('done'))
    expect(await chunkNames(database)).toEqual(names.slice(3))
    expect(manifests(to.to).map(({rows}) => rows)).toEqual([288, 288, 288])
    expect((await drop(database.db, 'm', before, {exportTo: to})).plan.steps).toEqual([])
  })

  it('a chunk whose export fails is not dropped, and neither is one that is written to after its export', async () => {
    const database = await engine.database()
    await tenDays(database)
    const to = settings()
    const {plan} = await drop(database.db, 'm', before, {exportTo: to})
    const [, second] = plan.steps
    const written = `insert into m values ('2024-01-01 05:00+00', 7, 1)`
    const steps = plan.steps.map((step) => {
      if (step === second) return {...step, work: {...step.work!, run: () => Promise.reject(new Error('disk full'))}}
      return step
    })
    const half = await run(database.db, {...plan, steps: steps.slice(0, 3)})
    expect(half.steps.map((step) => step.status)).toEqual(['done', 'failed', 'done'])
    await database.run(written)
    const drops = await run(database.db, {...plan, steps: steps.slice(3).map((step) => ({...step, dependsOn: []}))})
    expect(drops.steps.map((step) => [step.status, step.error])).toEqual([
      ['failed', expect.stringContaining('has changed since its export')],
      ['failed', expect.stringContaining('has no verified export')],
      ['done', null],
    ])
    const next = await drop(database.db, 'm', before, {exportTo: to})
    expect(status(stepResults(await run(database.db, next.plan)))).toEqual(Array(4).fill('done'))
    expect(
      manifests(to.to)
        .map(({rows}) => rows)
        .sort(),
    ).toEqual([288, 288, 288, 289])
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('a compressed chunk has all its rows in the file, also those that were written after the compression', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    for (const name of names.slice(0, 2)) await database.run(`select compress_chunk('_timescaledb_internal.${name}')`)
    await database.run(`insert into m values ('2024-01-02 05:00+00', 7, 1), ('2024-01-02 06:00+00', 8, null)`)
    const wanted = await rowsByRange(database)
    expect(wanted).toEqual([288, 290, 288])
    const to = settings()
    const first = await exportChunks(database.db, 'm', before, to)
    expect(status(stepResults(await run(database.db, first.plan)))).toEqual(Array(3).fill('done'))
    expect(manifests(to.to).map(({rows}) => rows)).toEqual(wanted)
    expect((await exportChunks(database.db, 'm', before, to)).plan.steps).toEqual([])
  })

  for (const [change, text, again] of [
    ['a row in the compressed part is deleted', `delete from m where time = '2024-01-01 05:00+00' and dev = 1`, true],
    ['a row is added', `insert into m values ('2024-01-01 05:05+00', 7, 1)`, true],
    ['the chunk is decompressed', `select decompress_chunk('_timescaledb_internal.CHUNK')`, false],
  ] as const)
    it(`if ${change} after the export, the drop is refused and the next run exports what differs`, async () => {
      const database = await engine.database()
      await tenDays(database)
      const [chunk] = await chunkNames(database)
      await database.run(`select compress_chunk('_timescaledb_internal.${chunk}')`)
      const to = settings()
      const day = '2024-01-02T00:00:00Z'
      const {plan} = await drop(database.db, 'm', day, {exportTo: to})
      await run(database.db, {...plan, steps: plan.steps.slice(0, 1)})
      await database.run(text.replace('CHUNK', chunk!))
      const refused = await run(database.db, {...plan, steps: [{...plan.steps[1]!, dependsOn: []}]})
      expect(refused.steps[0]).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('has changed since its export'),
      })
      const next = await drop(database.db, 'm', day, {exportTo: to})
      expect(status(stepResults(await run(database.db, next.plan)))).toEqual(['done', 'done'])
      // The same rows in other places are found by their checksum and not written again.
      expect(manifests(to.to)).toHaveLength(again ? 2 : 1)
      expect(await chunkNames(database)).not.toContain(chunk)
    })
})
