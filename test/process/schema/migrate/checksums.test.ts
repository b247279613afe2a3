import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {
  checksumsFile,
  checksumsText,
  listedMigrations,
  withNewMigrations,
} from '../../../../src/schema/migrate/checksums.js'
import {root} from '../../../helpers/build.js'

const git = (...args: string[]) => spawnSync('git', args, {cwd: root, encoding: 'utf8'})

describe('the list of migrations', () => {
  it('has every file with its released checksum (npm run generate adds new ones)', () => {
    const listed = listedMigrations()
    expect(withNewMigrations(listed)).toEqual(listed)
    expect(checksumsText(listed)).toBe(readFileSync(checksumsFile, 'utf8'))
  })

  it('refuses an edited file and a missing file', () => {
    const listed = listedMigrations()
    expect(() => withNewMigrations([{...listed[0]!, checksum: '0'}, ...listed.slice(1)])).toThrow(
      /core\/0001_core\.sql was edited/,
    )
    expect(() => withNewMigrations([...listed, {path: 'core/9999_gone.sql', checksum: '0'}])).toThrow(
      /core\/9999_gone\.sql is gone/,
    )
  })

  it('only ever grew at its end', (context) => {
    const {status, stdout} = git('log', '--format=%H', '--', 'sql/migrations/checksums.txt')
    if (status !== 0) return context.skip('this is no checkout of git')
    const current = readFileSync(checksumsFile, 'utf8')
    for (const commit of stdout.split('\n').filter(Boolean))
      expect(current.startsWith(git('show', `${commit}:sql/migrations/checksums.txt`).stdout), commit).toBe(true)
  })
})
