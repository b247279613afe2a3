import {parse} from 'csv-parse/sync'
import {describe, expect, it} from 'vitest'
import {runCli, expectExit, jsonOf} from '../helpers/cli.js'
import {forEachEngine} from '../helpers/engines.js'
import {ourCommands} from '../helpers/manifest.js'

const {commands} = await ourCommands()

/** Neither a report with rows nor a change: these have an output format of their own. */
const otherOutput = [
  'completion',
  'config:schema',
  'daemon',
  'demo',
  'migrate:new',
  'policies:import',
  'report',
  'schema:generate',
]
const reports = commands.filter(({id, flags}) => !('dry-run' in flags) && !otherOutput.includes(id))

/** The arguments of a report besides the database. */
const argumentsOf: Record<string, string[]> = {
  'history:show': ['1'],
  'prices:history': ['bitcoin', 'kraken'],
  validate: ['price', 'prices.ndjson'],
}

describe('every report', () => {
  it.each(reports.map(({id, flags}) => [id, flags] as const))('%s accepts --format, --sort and --limit', (_, flags) => {
    expect(flags.format).toMatchObject({options: ['table', 'csv', 'markdown', 'json']})
    expect(Object.keys(flags)).toEqual(expect.arrayContaining(['csv', 'no-headers', 'sort', 'limit', 'json']))
  })

  it.each(reports.map((report) => [report.id, report] as const))(
    '%s has a table whose columns have different names',
    async (_, report) => {
      const command = (await report.load()) as unknown as WithTables
      const tables = Object.values(command.tables())
      expect(tables.length).toBeGreaterThan(0)
      for (const load of tables) {
        const ids = (await load()).columns.map((column) => column.id)
        expect(new Set(ids).size).toBe(ids.length)
        for (const each of ids) expect(each).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
      }
    },
  )
})

interface WithTables {
  tables(): Record<string, () => Promise<{columns: readonly {id: string}[]}>>
}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it.each([
    'stats',
    'stats:chunks',
    'stats:growth',
    'policies:status',
    'partitions:list',
    'jobs:list',
    'migrate:status',
    'config:show',
  ])(
    '%s is well-formed in every format, and --format json is --json',
    async (id) => {
      const url = await engine.urlFor(async ({run}) => {
        await run(`create table "a, ""b"" | c" (time timestamptz not null, v int);
select create_hypertable('"a, ""b"" | c"', 'time', chunk_time_interval => interval '1 day');
insert into "a, ""b"" | c" values ('2026-03-01T00:00:00Z', 1), ('2026-03-02T00:00:00Z', 2)`)
      })
      const report = (...flags: string[]) =>
        runCli([...id.split(':'), ...(argumentsOf[id] ?? []), '--url', url, '--quiet', ...flags])
      const [csv, markdown, json, again] = [
        await report('--format', 'csv'),
        await report('--format', 'markdown'),
        await report('--format', 'json'),
        await report('--json'),
      ]
      const lines = parse(csv.stdout) as string[][]
      expect(new Set(lines.map((line) => line.length)).size).toBe(1)
      const grid = markdown.stdout.split('\n').filter((line) => line.startsWith('| '))
      expect(grid[1]).toMatch(/^\|( ---:? \|)+$/)
      const unescaped = (line: string) => line.replace(/\\./g, '').split('|').length
      expect(new Set(grid.map(unescaped)).size).toBe(1)
      // Between the two readings the clock goes on, and other databases may grow in the server's tablespaces.
      const comparable = (text: object) =>
        JSON.stringify(text, (_, value) =>
          value?.kind === 'tablespace' ? {...value, totalBytes: 'bytes'} : value,
        ).replace(/"\d{4}-[^"]*Z"/g, '"time"')
      expect(comparable(jsonOf(json))).toBe(comparable(jsonOf(again)))
    },
    60_000,
  )

  it('--sort and --limit apply to text, CSV and JSON alike; an unknown column is a usage error', async () => {
    const url = await engine.urlFor(async ({run}) => {
      await run(`create table m (time timestamptz not null, v int);
select create_hypertable('m', 'time', chunk_time_interval => interval '1 day');
insert into m select timestamptz '2026-03-01T00:00:00Z' + g * interval '1 day', g from generate_series(0, 4) g`)
    })
    const chunks = (...flags: string[]) => runCli(['stats', 'chunks', '--url', url, ...flags])
    const csv = await chunks('--sort', '-range_start', '-n', '2', '--format=csv')
    const starts = parse(csv.stdout, {columns: true}).map((each) => (each as {range_start: string}).range_start)
    expect(starts).toEqual(['2026-03-05T00:00:00.000Z', '2026-03-04T00:00:00.000Z'])
    const json = jsonOf<{chunks: {rangeStart: string}[]}>(await chunks('--sort=range_start', '--limit', '1', '--json'))
    expect(json.chunks.map(({rangeStart}) => rangeStart)).toEqual(['2026-03-01T00:00:00.000Z'])
    expect((await chunks('--limit', '2')).stdout).toContain(' … and 3 more (--limit)')
    const wrong = await chunks('--sort', 'nosuch', '--json')
    expectExit(wrong, 2)
    expect(jsonOf(wrong)).toMatchObject({error: {code: 'NO_SUCH_COLUMN'}})
  }, 60_000)
})
