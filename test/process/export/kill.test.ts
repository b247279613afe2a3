import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {exportRelation} from '../../../src/export/export-relation.js'
import type {Manifest} from '../../../src/export/manifest.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'

/** How many runs are killed; an operator can try more. */
const kills = Number(process.env.QICORE_TEST_KILLS ?? 4)
const parts = ['ticks_1', 'ticks_2', 'ticks_3']

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('an export that is killed again and again is finished by the next run, with the files of one that was not', async () => {
    const {db, url, run} = await engine.database()
    await run(`create table ticks (id int, time date not null, name text) partition by range (time);
${parts.map((part, n) => `create table ${part} partition of ticks for values from ('2024-0${n + 1}-01') to ('2024-0${n + 2}-01')`).join(';')};
insert into ticks select n, date '2024-01-01' + n % 90, repeat('x', n % 40) from generate_series(1, 90000) n`)
    const control = temporaryDirectory()
    const wanted = new Map<string, Buffer>()
    for (const part of parts) {
      const subject = {relation: `public.${part}`, of: 'public.ticks', from: null, to: null}
      const {location} = await exportRelation(db, {to: control, format: 'csv'}, subject, {lockTimeout: 2_000})
      wanted.set(location.slice(control.length), readFileSync(location))
    }
    const delays = fc.sample(fc.integer({min: 0, max: 700}), {numRuns: kills, seed: 15})
    let interrupted = 0
    let to = temporaryDirectory()
    const args = () => [
      'partitions',
      'export',
      'ticks',
      '--from',
      '2024-01',
      '--to',
      '2024-03',
      '--export-to',
      to,
      '--export-format',
      'csv',
      '--url',
      url,
    ]
    for (const delay of delays) {
      const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args()], {
        cwd: to,
        env: {PATH: process.env.PATH ?? '', HOME: to},
        stdio: 'ignore',
      })
      // From the moment at which it reads the table, not while Node starts.
      for (let working = false; !working && child.exitCode === null; await sleep(5))
        working =
          (
            await run(
              "select from pg_stat_activity where datname = current_database() and query ilike any (array['fetch%', 'declare%'])",
            )
          ).length > 0
      await sleep(delay)
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const verified = manifests(to).filter(({state}) => state === 'verified')
      // What is verified is whole at every moment.
      for (const {source, rows} of verified)
        expect(await run(`select count(*)::int as rows from ${source.relation}`)).toEqual([{rows}])
      if (verified.length < parts.length) interrupted += 1
      else to = temporaryDirectory()
    }
    expect(interrupted).toBeGreaterThan(0)
    const last = await runCli([...args(), '--json'])
    expectExit(last, 0)
    expect(jsonOf<{steps: {status: string}[]}>(last).steps.every(({status}) => status === 'done')).toBe(true)
    for (const [name, bytes] of wanted) expect(readFileSync(join(to, name)).equals(bytes), name).toBe(true)
    expect(files(to)).toHaveLength(2 * parts.length)
    expect(manifests(to).map(({state}) => state)).toEqual(parts.map(() => 'verified'))
    const again = await runCli([...args(), '--json'])
    expect(jsonOf<{steps: unknown[]}>(again).steps).toEqual([])
  }, 600_000)
})

function files(to: string): string[] {
  return readdirSync(to, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function manifests(to: string): Manifest[] {
  return files(to)
    .filter((name) => name.endsWith('.manifest.json'))
    .map((name) => JSON.parse(readFileSync(name, 'utf8')) as Manifest)
}
