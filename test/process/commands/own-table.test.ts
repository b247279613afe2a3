import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {withClient} from '../../helpers/schema-client.js'

const columns = `      - {name: id, type: bigserial}
      - {name: time, type: timestamptz}
      - {name: Price, type: "numeric(20,8)"}
`
const config = (more = '') => `version: 1
tables:
  desk_b.ticks:
    columns:
${columns}${more}    primaryKey: [id, time]
    checks: [{name: ticks_price_positive, expression: '"Price" > 0'}]
    indexes: [{name: ticks_time_idx, columns: [time desc]}]
    hypertable: {time: time}
    chunkInterval: 1 day
    compression: {after: 7 days}
`

forEachEngine({}, (engine) => {
  it("a user's table gets from the configuration to statistics, and so does a column that is added later", async () => {
    const url = await engine.urlFor(async () => {})
    const cwd = directoryWith({'qicore-db.config.yaml': config()})
    const file = join(cwd, 'qicore-db.config.yaml')
    const run = async (exitCode: number, ...args: string[]) => {
      const result = await runCli([...args, '--url', url], {cwd})
      expectExit(result, exitCode)
      return result
    }
    await run(0, 'migrate', 'new', 'ticks')
    expect(readdirSync(join(cwd, 'migrations')).sort()).toEqual([
      '0001_ticks.apache.sql',
      '0001_ticks.postgres.sql',
      '0001_ticks.timescaledb.sql',
      'snapshot.json',
    ])
    await run(0, 'migrate', 'up')
    expect((await run(0, 'schema', 'verify')).stdout).toContain('8 tables and aggregates as defined.')

    writeFileSync(file, config('      - {name: venue, type: varchar(20), nullable: true}\n'))
    const drift = jsonOf<{differences: object[]}>(await run(3, 'schema', 'verify', '--json'))
    expect(drift.differences).toMatchObject([
      {
        schema: 'desk_b',
        table: 'ticks',
        object: 'desk_b.ticks',
        path: 'columns.venue',
        actual: null,
        fix: 'alter table desk_b.ticks add column venue varchar(20)',
      },
    ])
    await run(0, 'migrate', 'new', 'venue')
    expect(readFileSync(join(cwd, 'migrations/0002_venue.sql'), 'utf8')).toContain('add column venue varchar(20);')
    await run(0, 'migrate', 'up', '--yes')
    await run(0, 'schema', 'verify')
    for (const what of ['drizzle', 'zod', 'sql']) {
      await run(0, 'schema', 'generate', what, '--out', 'gen')
      await run(0, 'schema', 'generate', what, '--out', 'gen', '--check')
    }
    expect(readFileSync(join(cwd, 'gen/drizzle.ts'), 'utf8')).toContain("venue: varchar('venue', {length: 20}),")

    const [{now}] = (
      await withClient(url, (client) =>
        client.query(`select to_char(${today}, 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as now`),
      )
    ).rows as [{now: string}]
    await withClient(url, (client) => client.query('insert into desk_b.ticks (time, "Price") values ($1, 5)', [now]))
    await expect(
      withClient(url, (client) => client.query('insert into desk_b.ticks (time, "Price") values ($1, 0)', [now])),
    ).rejects.toMatchObject({code: '23514'})
    const stats = jsonOf<{tables: {schema: string; table: string; managed: boolean}[]}>(await run(0, 'stats', '--json'))
    expect(stats.tables.find(({table}) => table === 'ticks')).toMatchObject({
      schema: 'desk_b',
      managed: true,
      newest: now,
    })
  }, 600_000)
})
