import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'

/** Words of riddles, each with what a sentence says instead. Only those that have no plain use here. */
const avoided: readonly [word: RegExp, instead: string][] = [
  [/\bnobody('s)?\b/i, 'no session, no daemon, not declared, is not known'],
  [/\bsomebody('s)?\b/i, 'another session, a user, an unknown role'],
  [/\bwho(so)?ever\b/i, 'the session, the role or the reader that is meant'],
  [/\blets? (it |them )?finish\b/i, 'ends, is waited for'],
  [/\b(is|are|was|were) told\b/i, 'is configured to, is reported, the error says'],
  [/\bcannot be told\b/i, 'is not known'],
  [/\b(what|that) stands (there|now|in)\b/i, 'what is live, what is in'],
  [/\bgoes the way\b/i, 'is dropped, ends like'],
  [/\banew\b/i, 'again'],
  [/\bcrew\b/i, 'workers'],
]

/** Migrations never change once they are listed; the reference is generated; this file names the words. */
const skipped = [/^sql\/migrations\//, /^docs\/reference\.md$/, /^test\/unit\/words\.test\.ts$/]

function filesIn(...paths: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '--', ...paths], {cwd: root, encoding: 'utf8'})
  return listed.split('\n').filter((file) => /\.(ts|sql|md)$/.test(file) && !skipped.some((each) => each.test(file)))
}

/** A name of a test is what its first string says. */
const testName = /^\s*(?:it|describe|forEachEngine)\b[^'"`]*(?:\.each\(.*\))?\(\s*(?<quote>['"`])(?<name>.*?)\k<quote>/

function found(file: string, part: (line: string) => string): string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      avoided
        .filter(([word]) => word.test(part(line)))
        .map(([, instead]) => `${file}:${index + 1}: ${line.trim().slice(0, 120)} (say: ${instead})`),
    )
}

describe('sentences', () => {
  it('of the code, its SQL and the documentation use none of the words that an operator reads twice', () => {
    const files = filesIn('src', 'sql', 'docs', 'README.md', 'CONTRIBUTING.md')
    expect(files.length).toBeGreaterThan(300)
    expect(files.flatMap((file) => found(file, (line) => line))).toEqual([])
  })

  it('that name tests use none of them either', () => {
    const files = filesIn('test').filter((file) => file.endsWith('.test.ts'))
    const names = (line: string) => testName.exec(line)?.groups?.name ?? ''
    expect(files.flatMap((file) => found(file, names))).toEqual([])
    expect(files.some((file) => readFileSync(join(root, file), 'utf8').split('\n').some(names))).toBe(true)
  })
})
