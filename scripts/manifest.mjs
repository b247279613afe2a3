// Writes oclif.manifest.json from dist/: with it no command is imported to find, list or explain another.
// `--check` writes nothing and fails when the file is not what it would write.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {Plugin} from '@oclif/core'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = `${root}oclif.manifest.json`

const plugin = new Plugin({root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true})
await plugin.load()
const {commands, version} = plugin.manifest
const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)))
const text = `${JSON.stringify({commands: sorted, version}, null, 2)}\n`

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  console.error('oclif.manifest.json is not what dist/ says: npm run generate')
  process.exitCode = 1
}
