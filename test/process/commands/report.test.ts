import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {prices} from '../../helpers/catalog-time-series.js'
import {forEachEngine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {reportDocument} from '../../helpers/report-document.js'
import type {ReportDocument} from '../../../src/page/document.js'

/** A report without the times of its reading. */
function timeless(report: unknown): unknown {
  return JSON.parse(JSON.stringify(report, (key, value) => (['at', 'target', 'seenAt'].includes(key) ? null : value)))
}

forEachEngine({}, (engine) => {
  it('report has the documents of the reports, and its page is the one that the document makes elsewhere', async () => {
    const url = await engine.urlFor(async (database) => {
      if (engine.hypertables) return prices(database)
      await database.run(
        `create table ticks (time timestamptz not null, price numeric) partition by range (time);
         create table ticks_2026_01 partition of ticks for values from ('2026-01-01') to ('2026-02-01');
         insert into ticks values ('2026-01-15', 1)`,
      )
    })
    const cwd = temporaryDirectory()
    const made = await runCli(['report', '--url', url, '--html', 'a.html', '--json'], {cwd})
    expectExit(made, 0)
    const document = jsonOf<ReportDocument>(made)
    expect(Object.values(document).filter((part) => part?.error)).toEqual([])
    for (const [part, args] of [
      ['stats', ['stats']],
      ['chunks', ['stats', 'chunks']],
      ['policies', ['policies', 'status']],
    ] as const) {
      const {condition, ...alone} = jsonOf(await runCli([...args, '--url', url, '--json'], {cwd}))
      expect(condition).toEqual([])
      expect(timeless(document[part].report), part).toEqual(timeless(alone))
    }
    writeFileSync(join(cwd, 'report.json'), made.stdout)
    const rendered = await runCli(['report', '--from', 'report.json', '--html', 'b.html'], {cwd})
    expectExit(rendered, 0)
    expect(rendered.stderr).toMatch(/^Wrote b\.html \(/)
    expect(readFileSync(join(cwd, 'b.html'), 'utf8')).toBe(readFileSync(join(cwd, 'a.html'), 'utf8'))
    // A page is no text of ours in which runCli could look for commands.
    const piped = spawnSync(process.execPath, [join(root, 'bin/run.js'), 'report', '--from', '-', '--html', '-'], {
      cwd,
      input: made.stdout,
      encoding: 'utf8',
    })
    expect(piped.stdout).toBe(readFileSync(join(cwd, 'a.html'), 'utf8'))
  })
})

it('report refuses what is no document of it, and a file that it cannot write, and leaves nothing behind', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'good.json'), JSON.stringify(reportDocument({prices: 2})))
  writeFileSync(join(cwd, 'text.json'), 'no json')
  writeFileSync(join(cwd, 'stats.json'), '{"kind": "stats", "version": 1}')
  const cut = reportDocument({prices: 2})
  delete (cut.stats.report as {tables?: unknown}).tables
  writeFileSync(join(cwd, 'cut.json'), JSON.stringify(cut))
  mkdirSync(join(cwd, 'a-directory'))
  const before = readdirSync(cwd)
  for (const [args, code] of [
    [['--from', 'good.json'], 'NO_OUTPUT'],
    [['--from', 'none.json', '--html', 'x.html'], 'NO_FILE'],
    [['--from', 'text.json', '--html', 'x.html'], 'BAD_REPORT'],
    [['--from', 'stats.json', '--html', 'x.html'], 'BAD_REPORT'],
    [['--from', 'cut.json', '--html', 'x.html'], 'BAD_REPORT'],
    [['--from', 'good.json', '--html', 'none/x.html'], 'CANNOT_WRITE'],
    [['--from', 'good.json', '--html', 'a-directory'], 'CANNOT_WRITE'],
  ] as const) {
    const refused = await runCli(['report', ...args], {cwd})
    expectExit(refused, 2)
    expect(refused.stderr).toContain(`Code: ${code}`)
  }
  expect(existsSync(join(cwd, 'x.html'))).toBe(false)
  expect(readdirSync(cwd)).toEqual(before)
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('report of a role without rights has the parts that it may read, and unknown for the others', async () => {
    const database = await engine.database()
    const role = `report_reader_${process.pid}`
    await database.run(
      `create schema closed;
       create table closed.ticks (time timestamptz not null) partition by range (time);
       create table closed.ticks_2026_01 partition of closed.ticks for values from ('2026-01-01') to ('2026-02-01');
       insert into closed.ticks values ('2026-01-15');
       create role ${role} login`,
    )
    const url = new URL(database.url)
    url.username = role
    url.password = ''
    try {
      const made = await runCli(['report', '--url', url.href, '--html', 'page.html', '--json'])
      expectExit(made, 0)
      const document = jsonOf<ReportDocument>(made)
      expect(document.stats.report).toMatchObject({
        tables: [{table: 'ticks', newest: null}],
        notes: [expect.stringContaining('closed')],
      })
    } finally {
      await database.run(`drop role ${role}`)
    }
  })
})
