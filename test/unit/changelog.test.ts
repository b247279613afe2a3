import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {root} from '../helpers/build.js'

const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {version: string}
const headings = [...changelog.matchAll(/^## \[(.+?)\](.*)$/gm)].map(([, name, rest]) => ({name: name!, rest: rest!}))

it('CHANGELOG.md begins with the unreleased changes, and every release has a date', () => {
  expect(headings[0]).toEqual({name: 'Unreleased', rest: ''})
  for (const {name, rest} of headings.slice(1)) expect(`${name}${rest}`).toMatch(/^\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$/)
})

it('CHANGELOG.md has a section for the version of the package once it is released', () => {
  // 0.1.0 is the version of the package until its first release.
  if (headings.length > 1) expect(headings[1]!.name).toBe(version)
  else expect(version).toBe('0.1.0')
})

it('CHANGELOG.md uses only the kinds of change of Keep a Changelog', () => {
  const kinds = [...changelog.matchAll(/^### (.+)$/gm)].map(([, kind]) => kind)
  expect(
    kinds.filter((kind) => !['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].includes(kind!)),
  ).toEqual([])
})
