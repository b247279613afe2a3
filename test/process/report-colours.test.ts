import {join} from 'node:path'
import {stripVTControlCharacters} from 'node:util'
import {Config} from '@oclif/core'
import {afterEach, expect, it, vi} from 'vitest'
import {root} from '../helpers/build.js'
import {forEachEngine} from '../helpers/engines.js'
import {directoryWith} from '../helpers/files.js'
import {ourCommands} from '../helpers/manifest.js'

const {commands} = await ourCommands()
// They use an engine of their own, need a file, or compare with a scratch database.
const others = new Set(['demo', 'validate', 'schema:verify', 'history:show', 'jobs:show', 'migrate:baseline'])
const reports = commands.filter(({id, flags}) => 'sort' in flags && !others.has(id))
const values: Record<string, string> = {
  table: 'public.parts',
  view: 'public.parts',
  job: 'maintain',
  kind: 'retention',
  coin: 'bitcoin',
  exchange: 'kraken',
}
const settings = `version: 1
tables:
  public.parts: {partitions: {every: month, ahead: 3}, retention: {after: 30 days}}
`
const startOfColour = '\u001B['

/** Runs a command of dist/ in this process. @returns what it wrote on stdout and on stderr */
async function written(config: Config, id: string, args: readonly string[]): Promise<{out: string; err: string}> {
  let [out, err] = ['', '']
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => (out += String(chunk)) !== ''),
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => (err += String(chunk)) !== ''),
  ]
  try {
    await config.runCommand(id, [...args]).catch((error: Error) => (err += error.message))
  } finally {
    for (const spy of spies) spy.mockRestore()
    process.exitCode = 0
  }
  return {out, err}
}

/** Ages and times, which differ from one run to the next, have the same width. */
const withoutClock = (text: string) => text.replace(/\d+/g, '0').replace(/ +/g, ' ')

afterEach(() => vi.unstubAllEnvs())

// One server: the rendering is the same on all of them.
forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('every report: colours only where they are asked for, only on marked rows and headers, and no word by colour alone', async () => {
    const url = await engine.urlFor(({run}) =>
      run(`create table public.parts (time timestamptz not null) partition by range (time);
        create table public.parts_old partition of public.parts for values from ('2024-01-01Z') to ('2024-02-01Z');
        insert into public.parts values ('2024-01-02Z')`),
    )
    const file = join(directoryWith({'colours.yaml': settings}), 'colours.yaml')
    const config = await Config.load({root})
    const coloured: string[] = []
    for (const {id, args} of reports) {
      const given = Object.values(args)
        .filter(({required}) => required)
        .map(({name}) => values[name] ?? name)
      const run = (environment: Record<string, string>) => {
        vi.unstubAllEnvs()
        for (const name of ['NO_COLOR', 'FORCE_COLOR']) vi.stubEnv(name, environment[name])
        return written(config, id, [...given, '--url', url, '--config', file])
      }
      const plain = await run({})
      expect(plain.out + plain.err, `${id} in a pipe`).not.toContain(startOfColour)
      const off = await run({NO_COLOR: '1', FORCE_COLOR: '1'})
      expect(off.out + off.err, `${id} with NO_COLOR`).not.toContain(startOfColour)
      const forced = await run({FORCE_COLOR: '1'})
      expect(forced.err, `${id}: stderr`).not.toContain(startOfColour)
      expect(withoutClock(stripVTControlCharacters(forced.out)), id).toBe(withoutClock(plain.out))
      for (const line of forced.out.split('\n').filter((each) => each.includes(startOfColour))) {
        const header = line.startsWith(`${startOfColour}2m `)
        expect(header || line.startsWith(`${startOfColour}33m!`), `${id}: ${JSON.stringify(line)}`).toBe(true)
        if (!header) coloured.push(id)
      }
    }
    expect(reports.length).toBeGreaterThan(20)
    expect(coloured).toEqual(expect.arrayContaining(['partitions:list', 'policies:status', 'doctor']))
  }, 120_000)
})
