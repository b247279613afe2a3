// npm runs this before `npm version`: a version without a section in CHANGELOG.md is refused.
import {readFileSync} from 'node:fs'

const version = process.env.npm_new_version
const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8')
const headings = changelog.split('\n').filter((line) => line.startsWith('## '))

if (!version || !headings.some((heading) => heading.startsWith(`## [${version}] - `))) {
  console.error(
    `CHANGELOG.md has no section "## [${version ?? 'version'}] - <date>". Move the entries under Unreleased into it, commit, and run npm version again.`,
  )
  process.exitCode = 1
}
