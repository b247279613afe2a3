// Writes the committed files that are generated from the definitions: the zod and Drizzle modules of this package.
import {mkdirSync, writeFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import {packageFiles} from '../dist/schema/package-files.js'

for (const {path, text} of await packageFiles()) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  mkdirSync(dirname(file), {recursive: true})
  writeFileSync(file, text)
}
