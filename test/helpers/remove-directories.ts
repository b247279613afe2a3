import {afterAll} from 'vitest'
import {removeTemporaryDirectories} from './files.js'

// Here and not in files.ts: unit tests share their modules, and a module is run only before the first of their files.
afterAll(removeTemporaryDirectories)
