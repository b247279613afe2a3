// Writes the migrations that come from the definitions; they are not written any more once they are released.
import {mkdirSync, writeFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import {migrationFiles} from '../dist/schema/generate/files.js'
import {snapshotFile, snapshotText} from '../dist/schema/migrate/new.js'
import {qicore} from '../dist/schema/qicore.js'

for (const {path, text} of [...migrationFiles(qicore), {path: `qicore/${snapshotFile}`, text: snapshotText(qicore)}]) {
  const file = fileURLToPath(new URL(`../sql/migrations/${path}`, import.meta.url))
  mkdirSync(dirname(file), {recursive: true})
  writeFileSync(file, text)
}
