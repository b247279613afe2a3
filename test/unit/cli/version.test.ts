import {Config} from '@oclif/core'
import {expect, it} from 'vitest'
import {versionLine} from '../../../src/cli/version.js'
import {root} from '../../helpers/build.js'

it('--version prints what oclif would print', async () => {
  expect(await versionLine()).toBe(`${(await Config.load(root)).userAgent}\n`)
})
