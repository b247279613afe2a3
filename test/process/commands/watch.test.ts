import {spawn} from 'node:child_process'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {describe, expect, it} from 'vitest'
import {root} from '../../helpers/build.js'
import {expectExit, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'

/** The first lines that the program prints; then it is interrupted. */
async function firstLines(args: readonly string[], count: number): Promise<{lines: string[]; exitCode: number | null}> {
  const cwd = temporaryDirectory()
  const env = {PATH: process.env.PATH ?? '', HOME: cwd, NO_COLOR: '1', COLUMNS: '80'}
  const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines: string[] = []
  for await (const line of createInterface({input: child.stdout})) if (lines.push(line) === count) break
  child.kill('SIGINT')
  return {lines, exitCode: await ended}
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  describe('--watch', () => {
    it.each([['stats'], ['activity'], ['policies status'], ['jobs list']])(
      '%s prints one JSON document a line until it is interrupted',
      async (id) => {
        const url = await engine.urlFor(async () => {})
        const {lines} = await firstLines([...id.split(' '), '--url', url, '--json', '--watch', '--every', '500ms'], 2)
        const documents = lines.map((line) => JSON.parse(line) as {kind: string; version: number; at: string})
        expect(documents.map(({kind, version}) => [kind, version])).toEqual([
          [id.replace(' ', '.'), 1],
          [id.replace(' ', '.'), 1],
        ])
        expect(Date.parse(documents[1]!.at)).toBeGreaterThan(Date.parse(documents[0]!.at))
      },
    )

    it('refuses an interval that would keep the server busy all the time, and --every without --watch', async () => {
      const url = await engine.urlFor(async () => {})
      const fast = await runCli(['stats', '--url', url, '--watch', '--every', '10ms'])
      expectExit(fast, 2)
      expect(fast.stderr).toContain('--every 5s')
      expectExit(await runCli(['stats', '--url', url, '--every', '5s']), 2)
    })
  })
})
