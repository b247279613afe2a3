import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parse} from 'libpg-query'
import {packageFiles} from '../../../src/schema/package-files.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'

const own = `version: 1
tables:
  desk_b.ticks:
    columns: [{name: time, type: timestamptz}, {name: price, type: "numeric(20,8)"}]
    primaryKey: [time]
    hypertable: {time: time}
    compression: {after: 7 days}
`

describe('schema generate', () => {
  it('writes once, reports no change the next time, and --check finds an edit (exit 3)', async () => {
    const cwd = temporaryDirectory()
    for (const what of ['drizzle', 'zod', 'sql']) {
      const statuses = async (...more: string[]) => {
        const result = await runCli(['schema', 'generate', what, '--out', 'gen', '--json', ...more], {cwd})
        return {
          exitCode: result.exitCode,
          statuses: [...new Set(jsonOf<{files: {status: string}[]}>(result).files.map(({status}) => status))],
        }
      }
      expect(await statuses('--check')).toEqual({exitCode: 3, statuses: ['missing']})
      expect(await statuses()).toEqual({exitCode: 0, statuses: ['written']})
      expect(await statuses('--check')).toEqual({exitCode: 0, statuses: ['same']})
      const file = join(cwd, 'gen', what === 'sql' ? 'schema.postgres.sql' : `${what}.ts`)
      writeFileSync(file, `${readFileSync(file, 'utf8')}\n`)
      expect((await statuses('--check')).exitCode).toBe(3)
      expect(await statuses()).toMatchObject({exitCode: 0})
      expect(await statuses('--check')).toEqual({exitCode: 0, statuses: ['same']})
    }
    const published = (await packageFiles()).find(({path}) => path === 'src/qicore/generated/drizzle.ts')!
    expect(readFileSync(join(cwd, 'gen/drizzle.ts'), 'utf8')).toBe(published.text)
  })

  it('prints to stdout if no directory is named, including the tables of the configuration', async () => {
    const cwd = directoryWith({'qicore-db.config.yaml': own})
    const {stdout, exitCode} = await runCli(
      ['schema', 'generate', 'sql', '--tables', 'config', '--engine', 'timescaledb'],
      {cwd},
    )
    expect(exitCode).toBe(0)
    expect(stdout).toContain('create table desk_b.ticks')
    expect(stdout).toContain('timescaledb.compress')
    expect(stdout).not.toContain('crypto_prices')
    expect((await parse(stdout)).stmts!.length).toBeGreaterThan(3)
    const zod = await runCli(['schema', 'generate', 'zod'], {cwd})
    expect(zod.stdout).toContain('export const deskBTicksSchema')
    expect(zod.stdout).toContain('export const cryptoPricesSchema')
  })

  it('reports what is wrong with the command', async () => {
    const nothing = await runCli(['schema', 'generate', 'zod', '--tables', 'config', '--json'])
    expectExit(nothing, 2)
    expect(jsonOf(nothing)).toMatchObject({error: {code: 'NO_TABLES'}})
    expectExit(await runCli(['schema', 'generate', 'prisma']), 2)
    expectExit(await runCli(['schema', 'generate', 'zod', '--check']), 2)
    const {directory} = {directory: directoryWith({file: 'x'})}
    expectExit(await runCli(['schema', 'generate', 'zod', '--out', 'file/deeper'], {cwd: directory}), 2)
  })
})
