// Creates drizzle/, the folder for Drizzle's own migrator. It is in the npm package but not in git; `npm pack` runs
// this.
import {mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import {drizzleFolder} from '../dist/schema/drizzle/folder.js'

const folder = new URL('../drizzle/', import.meta.url)
rmSync(folder, {recursive: true, force: true})
for (const {path, text} of await drizzleFolder()) {
  const file = fileURLToPath(new URL(path, folder))
  mkdirSync(dirname(file), {recursive: true})
  writeFileSync(file, text)
}
