import {isAbsolute, relative, resolve} from 'node:path'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {planFileIn} from '../../../src/policies/plan/file.js'

it('the plans of any targets are different files inside of the directory', () => {
  const name = fc.oneof(fc.string(), fc.constantFrom('..', '.', '../x', '%2E.', 'a/../../b', '/etc', 'a', 'a.json'))
  fc.assert(
    fc.property(name, name, (one, other) => {
      const file = relative('/plans', resolve(planFileIn('/plans', `t/${one}`)))
      expect(isAbsolute(file) || file.startsWith('..')).toBe(false)
      if (one !== other) expect(planFileIn('/plans', one)).not.toBe(planFileIn('/plans', other))
    }),
  )
})
