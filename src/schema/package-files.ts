import {existsSync, readFileSync} from 'node:fs'
import {drizzleFolder, type Journal} from './drizzle/folder.js'
import {drizzleModule} from './drizzle/module.js'
import type {GeneratedFile} from './generated-file.js'
import {qicore} from './qicore.js'
import {zodModule} from './zod/module.js'

/** The folder for Drizzle's migrator, as the package has it. */
export const drizzleDirectory = new URL('../../drizzle/', import.meta.url)

/** What this package publishes of its own definitions; committed, and tested to be fresh. */
export async function packageFiles(): Promise<GeneratedFile[]> {
  const journal = new URL('meta/_journal.json', drizzleDirectory)
  const folder = await drizzleFolder(existsSync(journal) ? (JSON.parse(readFileSync(journal, 'utf8')) as Journal) : null)
  return [
    {path: 'src/generated/zod.ts', text: await zodModule(qicore, '../columns/index.js')},
    {path: 'src/generated/drizzle.ts', text: drizzleModule(qicore)},
    ...folder.map(({path, text}) => ({path: `drizzle/${path}`, text})),
  ]
}
