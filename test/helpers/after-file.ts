import {afterAll} from 'vitest'
import {releaseEngines} from './cli-hosts.js'
import {removeTemporaryDirectories} from './files.js'

// A setup file, because a module that several test files share is run only once.
afterAll(async () => {
  await releaseEngines()
  removeTemporaryDirectories()
})
