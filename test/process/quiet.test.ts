import {Config} from '@oclif/core'
import {expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {forEachEngine} from '../helpers/engines.js'
import {ourCommands} from '../helpers/manifest.js'

const {commands} = await ourCommands()

/** What each argument is given; the commands then work, or refuse what is no such thing here. */
const values: Record<string, string> = {
  table: 'public.parts',
  view: 'public.parts',
  job: 'maintain',
  id: '1',
  version: 'core.1.0.0',
  kind: 'retention',
  coin: 'BTC',
  exchange: 'binance',
  what: 'sql',
  shell: 'bash',
}
/** They run until they are stopped, use an engine of their own, read stdin or write files. */
const others = new Set(['daemon', 'demo', 'validate', 'migrate:new', 'schema:verify'])

/** Runs a command of dist/ in this process. @returns what it wrote on stderr */
async function stderrOf(config: Config, id: string, args: readonly string[]): Promise<string> {
  const [write, out] = [process.stderr.write, process.stdout.write]
  let text = ''
  process.stderr.write = (chunk: string | Uint8Array) => (text += String(chunk)) !== ''
  process.stdout.write = () => true
  try {
    // What it refuses is no part of this: only what it says before.
    await config.runCommand(id, [...args]).catch(() => {})
  } finally {
    process.stderr.write = write
    process.stdout.write = out
    process.exitCode = 0
  }
  return text
}

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('--quiet leaves the heading and the progress out, of every command of the manifest', async () => {
    const url = await engine.urlFor(({run}) =>
      run('create table public.parts (time timestamptz not null) partition by range (time)'),
    )
    const config = await Config.load({root})
    const loud = await stderrOf(config, 'stats', ['--url', url])
    expect(loud, 'without --quiet').toContain(' (--url) as ')
    const tested: string[] = []
    for (const {id, args, flags} of commands.filter((command) => !others.has(command.id))) {
      const given = Object.values(args)
        .filter(({required}) => required)
        .map(({name}) => values[name] ?? name)
      const dry = 'dry-run' in flags ? ['--dry-run'] : []
      const text = await stderrOf(config, id, [...given, ...dry, '--url', url, '--quiet'])
      expect(text, id).not.toMatch(/ \(--url\) as |…$|\[\d+\/\d+\]/m)
      tested.push(id)
    }
    expect(tested.length).toBeGreaterThan(45)
  })
})
