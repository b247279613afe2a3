import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {startS3} from '../../helpers/s3.js'

interface Report {
  kind: string
  steps: {id: string; status: string; class?: string; error: string | null; note: string | null}[]
}

const months = `create table ticks (id int, time timestamptz not null, name text) partition by range (time);
create table ticks_2024_01 partition of ticks for values from ('2024-01-01+00') to ('2024-02-01+00');
create table ticks_2024_02 partition of ticks for values from ('2024-02-01+00') to ('2024-03-01+00');
create table ticks_2024_03 partition of ticks for values from ('2024-03-01+00') to ('2024-04-01+00');
insert into ticks select n, timestamptz '2024-01-01+00' + n * interval '10 min', nullif('n' || n % 9, 'n3') from generate_series(0, 12000) n`

const quarter = ['--from', '2024-01', '--to', '2024-03']
const command = ({url}: Pick<TestDatabase, 'url'>, ...more: string[]) =>
  runCli(['partitions', 'export', 'ticks', '--url', url, ...more])

const filesIn = (to: string) =>
  readdirSync(to, {recursive: true, encoding: 'utf8', withFileTypes: true}).filter((entry) => entry.isFile())

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a quarter is exported as its dry run says, asks nothing, and is found by the next run', async () => {
    const database = await engine.database()
    await database.run(months)
    const to = join(temporaryDirectory(), 'archive')
    const dry = await command(database, ...quarter, '--export-to', to, '--dry-run')
    expectExit(dry, 0)
    expect(dry.stdout).toContain(`-- not SQL: export public.ticks_2024_02 to ${to} as parquet`)
    expect(existsSync(to)).toBe(false)
    const done = await command(database, ...quarter, '--export-to', to, '--json')
    expectExit(done, 0)
    const report = jsonOf<Report>(done)
    expect(report.kind).toBe('partitions.export')
    const exports = report.steps.filter(({id}) => id.startsWith('export '))
    expect(exports.map(({id, status}) => [id, status])).toEqual([
      ['export public.ticks_2024_01', 'done'],
      ['export public.ticks_2024_02', 'done'],
      ['export public.ticks_2024_03', 'done'],
    ])
    expect(exports[0]!.note).toContain('read back and equal to the table')
    expect(filesIn(to)).toHaveLength(6)
    const again = await command(database, ...quarter, '--export-to', to, '--json')
    expectExit(again, 0)
    expect(jsonOf<Report>(again).steps).toEqual([])
    expect(await database.run('select count(*)::int as rows from ticks')).toEqual([{rows: 12_001}])
  })

  it('a CSV file has the rows of the table, null as an empty field', async () => {
    const database = await engine.database()
    await database.run(months)
    const to = temporaryDirectory()
    expectExit(await command(database, ...quarter, '--export-to', to, '--export-format', 'csv'), 0)
    const [file] = filesIn(to).filter(({name}) => name === 'public.ticks_2024_01.csv')
    const lines = readFileSync(join(file!.parentPath, file!.name), 'utf8').split('\n')
    expect(lines[0]).toBe('id,time,name')
    await database.run('create table back (like ticks)')
    const rows = lines
      .slice(1, -1)
      .map((line) => line.split(','))
      .map(([id, time, name]) => `(${id}, '${time}', ${name === '' ? 'null' : `'${name}'`})`)
    await database.run(`insert into back values ${rows.join(', ')}`)
    const differ = 'select * from ticks_2024_01 except all select * from back'
    expect(await database.run(differ)).toEqual([])
    expect(await database.run('select count(*) from back')).toEqual(
      await database.run('select count(*) from ticks_2024_01'),
    )
  })

  it.each([
    ['csv', '@aws-sdk/client-s3,hyparquet,hyparquet-writer'],
    ['parquet', '@aws-sdk/client-s3,csv-parse'],
  ])('%s in a directory loads no library of another format or of stores', async (format, forbidden) => {
    const database = await engine.database()
    await database.run(months)
    const done = await runCli(
      ['partitions', 'export', 'ticks', '--url', database.url, ...quarter, '--export-to', temporaryDirectory()].concat([
        '--export-format',
        format,
      ]),
      {env: {FORBIDDEN: forbidden}, node: ['--import', join(root, 'test/helpers/forbid.mjs')]},
    )
    expectExit(done, 0)
    expect(done.stdout + done.stderr).not.toMatch(/forbidden module/)
  })

  it('a place that cannot be written is named with what the system said, and nothing is left there', async () => {
    const database = await engine.database()
    await database.run(months)
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, 'taken')
    const failed = await command(database, ...quarter, '--export-to', join(file, 'archive'))
    expectExit(failed, 1)
    expect(failed.stderr).toMatch(/Cannot read\s.*ENOTDIR.*Nothing was dropped/s)
    expect(readFileSync(file, 'utf8')).toBe('taken')
    expectExit(await command(database, ...quarter), 2)
    expectExit(await command(database, '--export-to', file), 2)
  })

  it('a bucket takes the same files, and no output holds the secret key', async () => {
    const store = await startS3()
    const database = await engine.database()
    await database.run(months)
    const secret = 'wJalrXUtnFEMI-not-a-real-key'
    const export_ = (env: Record<string, string>) =>
      runCli(
        [
          'partitions',
          'export',
          'ticks',
          '--url',
          database.url,
          ...quarter,
          '--export-to',
          `${store.bucket}/t${process.pid}`,
          '--export-endpoint',
          store.endpoint,
        ],
        {env, process: true},
      )
    const wrong = await export_({AWS_ACCESS_KEY_ID: 'UNKNOWN', AWS_SECRET_ACCESS_KEY: secret})
    expectExit(wrong, 1)
    expect(wrong.stderr).toMatch(/InvalidAccessKeyId.*HTTP 403/s)
    expect(wrong.stdout + wrong.stderr).not.toContain(secret)
    const done = await export_(store.credentials)
    expectExit(done, 0)
    expect(done.stderr).not.toContain('NodeVersionSupportWarning')
    expect(done.stdout).toContain('Export 3 partitions of public.ticks')
    const again = await export_(store.credentials)
    expect(again.stdout).toContain('nothing to do')
    await store.close()
  })
})
