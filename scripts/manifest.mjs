// Writes oclif.manifest.json from dist/, so that oclif need not import the commands to find, list or explain them.
// `--check` writes nothing and fails if the file is outdated.
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
  console.error('oclif.manifest.json is outdated. Run: npm run generate')
  process.exitCode = 1
}
