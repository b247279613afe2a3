import {drizzleModule} from './drizzle/module.js'
import type {GeneratedFile} from './generated-file.js'
import {qicore} from './built-in.js'
import {zodModule} from './zod/module.js'

/**
 * The files that this package publishes from its own definitions. They are committed; a test checks that they are
 * current.
 */
export async function packageFiles(): Promise<GeneratedFile[]> {
  return [
    {path: 'src/qicore/generated/zod.ts', text: await zodModule(qicore, '../../columns/index.js')},
    {path: 'src/qicore/generated/drizzle.ts', text: drizzleModule(qicore)},
  ]
}
