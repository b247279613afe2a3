import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {checks} from '../../../src/doctor/registry.js'
import {root} from '../../helpers/build.js'

it('docs/doctor.md lists every check with what it finds, and no other', () => {
  const text = readFileSync(join(root, 'docs/doctor.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \| (.*?) \|/gm)].map(([, id, finds]) => [id, finds])
  expect(rows.sort(), 'add the row of a new check, remove that of one that is gone').toEqual(
    checks.map(({id, problem}) => [id, problem]).sort(),
  )
})
