// Writes config.schema.json, which the package publishes for editors, from the schema that validates the file.
// `--check` writes nothing and fails if the file is outdated.
import {readFileSync, writeFileSync} from 'node:fs'
import {configJsonSchema} from '../dist/config/json-schema.js'

const file = new URL('../config.schema.json', import.meta.url)
const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  console.error('config.schema.json is outdated. Run: npm run generate')
  process.exitCode = 1
}
