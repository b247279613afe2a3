import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {root} from '../helpers/build.js'

const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {version: string}
const headings = [...changelog.matchAll(/^## \[(.+?)\](.*)$/gm)].map(([, name, rest]) => ({name: name!, rest: rest!}))

it('begins with what is not released, and dates what is', () => {
  expect(headings[0]).toEqual({name: 'Unreleased', rest: ''})
  for (const {name, rest} of headings.slice(1)) expect(`${name}${rest}`).toMatch(/^\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$/)
})

it('has the version of the package, once there is one', () => {
  // 0.1.0 is what the package is called until its first release.
  if (headings.length > 1) expect(headings[1]!.name).toBe(version)
  else expect(version).toBe('0.1.0')
})

it('knows only the kinds of change that Keep a Changelog knows', () => {
  const kinds = [...changelog.matchAll(/^### (.+)$/gm)].map(([, kind]) => kind)
  expect(
    kinds.filter((kind) => !['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].includes(kind!)),
  ).toEqual([])
})
