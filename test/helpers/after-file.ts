import {afterAll, expect} from 'vitest'
import {releaseEngines} from './cli-hosts.js'
import {removeTemporaryDirectories} from './files.js'

/** A leak of listeners, which an operator would see on stderr. */
const leaks: string[] = []
const onWarning = (warning: Error) => {
  if (warning.name === 'MaxListenersExceededWarning') leaks.push(warning.message)
}
process.on('warning', onWarning)

// A setup file, because a module that several test files share is run only once.
afterAll(async () => {
  await releaseEngines()
  removeTemporaryDirectories()
  process.off('warning', onWarning)
  expect(leaks).toEqual([])
})
