import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {skipBecause} from '../helpers/engines.js'
import {temporaryDirectory} from '../helpers/files.js'

if (spawnSync('bash', ['--version']).status === 0) describe('completion in bash does what the README says', completion)
else skipBecause('bash is not installed')

function completion(): void {
  const home = temporaryDirectory()
  const script = join(home, '.cache/qicore-db/autocomplete/functions/bash/qicore-db.bash')

  beforeAll(() => {
    // Not with runCli: the plugin's own text has commands with placeholders.
    const {status, stderr} = spawnSync(process.execPath, [join(root, 'bin/run.js'), 'autocomplete', 'bash'], {
      encoding: 'utf8',
      env: {PATH: process.env.PATH ?? '', HOME: home, NO_COLOR: '1'},
    })
    expect(status, stderr).toBe(0)
  }, 60_000)

  /** What bash offers for the last of these words. */
  const offered = (...words: string[]): string[] => {
    const {stdout, status} = spawnSync(
      'bash',
      [
        '-c',
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _qicore-db_autocomplete; printf "%s\\n" "${COMPREPLY[@]}"',
        script,
        'qicore-db',
        ...words,
      ],
      {encoding: 'utf8'},
    )
    expect(status).toBe(0)
    return [...new Set(stdout.split('\n').filter(Boolean))].sort()
  }

  it('offers commands, and flags directly after a command', () => {
    expect(offered('chu')).toEqual(['chunks'])
    expect(offered('chunks', '')).toEqual(['compress', 'decompress', 'drop', 'list'])
    expect(offered('chunks', 'drop', '--old')).toEqual(['--older-than'])
  })

  it('offers nothing after an argument, and no values', () => {
    expect(offered('chunks', 'drop', 'ohlcv_data', '--old')).toEqual([])
    expect(offered('migrate', 'up', '--engine', '')).toEqual([])
  })

  it('completes file names with the line in the README', () => {
    const line = /^complete -o default .*$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))![0]
    const {stdout} = spawnSync('bash', ['-c', `source "$0"; ${line}; complete -p qicore-db`, script], {
      encoding: 'utf8',
    })
    expect(stdout.trim()).toBe(line)
    expect(offered('validate', 'price', 'new'), 'bash then asks its own completion').toEqual([])
  })
}
