import {qicore} from './qicore.js'
import {zodModule} from './zod/module.js'

export interface GeneratedFile {
  /** Relative to whatever it is written below. */
  path: string
  text: string
}

/** What this package publishes of its own definitions; committed, and tested to be fresh. */
export async function packageFiles(): Promise<GeneratedFile[]> {
  return [{path: 'src/generated/zod.ts', text: await zodModule(qicore, '../columns/index.js')}]
}
