/**
 * The startup time of the program, against that of a minimal oclif program: one command, no flags, the same
 * @oclif/core, a manifest.
 */
import {spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {race, report} from './measure.js'

const root = fileURLToPath(new URL('..', import.meta.url))

/** An oclif program with a single command. */
function emptyCli(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))
  mkdirSync(join(directory, 'commands'))
  mkdirSync(join(directory, 'bin'))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
  write(
    'package.json',
    JSON.stringify({
      name: 'empty',
      version: '1.0.0',
      type: 'module',
      oclif: {bin: 'empty', dirname: 'empty', commands: './commands', topicSeparator: ' '},
    }),
  )
  write(
    'commands/stats.js',
    "import {Command} from '@oclif/core'\nexport default class Stats extends Command {\n  static summary = 'Nothing.'\n  async run() {}\n}\n",
  )
  write(
    'bin/run.js',
    "#!/usr/bin/env node\nimport {execute} from '@oclif/core'\nawait execute({dir: import.meta.url})\n",
  )
  const manifest = `import {Plugin} from '@oclif/core'\nconst plugin = new Plugin({root: ${JSON.stringify(directory)}, type: 'core', ignoreManifest: true})\nawait plugin.load()\nconsole.log(JSON.stringify(plugin.manifest))`
  const {stdout} = spawnSync(process.execPath, ['--input-type=module', '-e', manifest], {
    cwd: directory,
    encoding: 'utf8',
  })
  write('oclif.manifest.json', stdout)
  return directory
}

function run(bin: string, ...args: string[]): () => void {
  return () => {
    const {status, stdout, stderr} = spawnSync(process.execPath, [bin, ...args], {
      encoding: 'utf8',
      env: {...process.env, NO_COLOR: '1'},
    })
    if (status !== 0 || stdout === '') throw new Error(`${bin} ${args.join(' ')}: exit ${status}\n${stderr}`)
  }
}

const empty = emptyCli()
try {
  const ours = join(root, 'bin/run.js')
  const theirs = join(empty, 'bin/run.js')
  const rounds = Number(process.env.ROUNDS ?? 25)
  const taken = await race(rounds, {
    'empty --version': run(theirs, '--version'),
    'qicore-db --version': run(ours, '--version'),
    'empty stats --help': run(theirs, 'stats', '--help'),
    'qicore-db stats --help': run(ours, 'stats', '--help'),
  })
  report(`Start-up, ${rounds} interleaved rounds, medians`, Object.values(taken), [
    {what: '--version', ratio: taken['qicore-db --version'].median / taken['empty --version'].median, atMost: 1.15},
    {
      what: 'stats --help',
      ratio: taken['qicore-db stats --help'].median / taken['empty stats --help'].median,
      atMost: 1.15,
    },
  ])
} finally {
  rmSync(empty, {recursive: true, force: true})
}
