import {afterAll, beforeEach} from 'vitest'
import {clearOf} from './clock.js'
import {closeDatabases} from './engines.js'

// A setup file, because a module that several test files share is run only once.
beforeEach(() => clearOf('day', 60_000))
afterAll(closeDatabases)
