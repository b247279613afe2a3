import {chmodSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {invocation} from '../../../src/cli/invocation.js'
import {temporaryDirectory} from '../../helpers/files.js'

/** A directory with an installed package, whose program is linked in `.bin`, and a second version of it. */
function installed() {
  const cwd = temporaryDirectory()
  for (const each of ['bin', 'other/bin', 'node_modules/.bin', 'wrapped']) mkdirSync(join(cwd, each), {recursive: true})
  for (const each of ['bin/run.js', 'other/bin/run.js', 'wrapped/qicore-db']) {
    writeFileSync(join(cwd, each), '')
    chmodSync(join(cwd, each), 0o755)
  }
  symlinkSync('../../bin/run.js', join(cwd, 'node_modules/.bin/qicore-db'))
  symlinkSync('run.js', join(cwd, 'other/bin/qicore-db'))
  return (script: string, path: string | null, npmCommand?: string, from = cwd) =>
    invocation({
      argv: ['node', join(cwd, script)],
      environment: {PATH: path === null ? '' : `${join(cwd, 'bin')}:${join(cwd, path)}`, npm_command: npmCommand},
      cwd: from,
    }).replace(cwd, '<cwd>')
}

it('a suggested command begins with the name if it is on PATH, also if it is a wrapper', () => {
  const typed = installed()
  expect(typed('node_modules/.bin/qicore-db', 'node_modules/.bin')).toBe('qicore-db')
  expect(typed('bin/run.js', 'node_modules/.bin')).toBe('qicore-db')
  expect(typed('bin/run.js', 'wrapped')).toBe('qicore-db')
})

it('begins with npx if npm started the program, whose PATH the operator does not have', () => {
  const typed = installed()
  for (const npmCommand of ['exec', 'run-script', 'test'])
    expect(typed('node_modules/.bin/qicore-db', 'node_modules/.bin', npmCommand)).toBe('npx qicore-db')
})

it('begins with the path by which the program was started if PATH has none or another version of it', () => {
  const typed = installed()
  expect(typed('bin/run.js', null)).toBe('node bin/run.js')
  expect(typed('bin/run.js', 'other/bin')).toBe('node bin/run.js')
  expect(typed('node_modules/.bin/qicore-db', null)).toBe('node_modules/.bin/qicore-db')
  const elsewhere = temporaryDirectory()
  expect(typed('bin/run.js', null, undefined, elsewhere)).toBe('node <cwd>/bin/run.js')
  expect(invocation({argv: ['node', '/a/run.js'], environment: {}, cwd: '/a'})).toBe('node ./run.js')
  expect(invocation({argv: ['node', '/a b/run.js'], environment: {}, cwd: '/'})).toBe("node 'a b/run.js'")
})
