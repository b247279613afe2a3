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

/** Names of the dictionary's left column that have no other meaning here: whole identifiers, in code and SQL. */
const renamed: readonly (readonly [names: readonly string[], instead: string])[] = [
  [['late-done', 'lateDone'], 'done_late'],
  [['strays'], 'unexpected'],
  [['round_failed', 'outcome_unwritten', 'database_away', 'stands_aside'], 'poll_failed, result_write_failed, …'],
  [['runner_dead', 'tried_again', 'taken_over'], 'runner_unavailable, retried, reclaimed'],
  [['mend', 'mends'], 'fix'],
  [['Wish', 'wish', 'CarryOutWish', 'MigrationWish', 'WorkedOut'], 'a request, RunOptions, MigratePlan'],
  [['carryOut', 'carryOutJob', 'outlook'], 'confirmAndRun, runPlan, runJobOnce, evaluateDue'],
  [['Epoch', 'epochs', 'epochAt'], 'ScheduleVersion, versions'],
  [['goodbye', 'takeOver', 'takeWhatWasLeft', 'run_at'], 'unregisterDaemon, reclaimExpired, scheduled_at'],
  [['Verdict', 'Fate', 'CronFate', 'Tally', 'closePage', 'fenceBy'], 'RetryDecision, finishRun, assertStillHeld, …'],
  [['unlessDone', 'DoneAlready', 'Elsewhere', 'serverWords'], 'skipIfDone, AlreadyDoneError, serverMessage, …'],
  [['jobAgrees', 'moreJobs', 'wouldBe', 'Wanted'], 'jobConsentMatches, duplicateJobs, projected, DesiredState'],
  [['unseen', 'doomed', 'Piece', 'notGivenBack', 'leaveAlone'], 'uncovered, chunksToDrop, DropRange, …'],
  [['isHopeless', 'patiently', 'patience', 'isAway', 'Vitals', 'sinceRound'], 'isPermanentError, timeoutMs, …'],
  [['strangers', 'standIn', 'sortOut', 'misfit'], 'externalTables, createStub, partitionJobs, invalid'],
  [['planCore', 'hasCore', 'isPreparation', 'CronHome', 'withHome', 'inDialect'], 'planInstall, CronDatabase, …'],
  [['Crew', 'atOnce', 'keyOf', 'fate', 'fates'], 'WorkerPool, pipelined, cacheKey, stepResults'],
  [['told', 'job_calendar', 'Calendar', 'calendarOf', 'calendars'], 'runner_explicit, job_schedule, ZonedSchedule, …'],
  [['givenBack', 'bites', 'proof', 'proofs'], 'released, effectiveFrom, checks'],
  [['carry-out', 'carry-out-job', 'CarryOutOptions'], 'confirm-and-run, run-job, ConfirmAndRunOptions'],
  // `its` as a variable: assigned, called or read.
  [['its(?= =|\\.\\w|\\()'], 'the noun'],
]

/** Migrations never change once they are listed; the reference is generated; this file names the words. */
const skipped = [/^sql\/migrations\//, /^docs\/reference\.md$/, /^test\/unit\/words\.test\.ts$/]

/** What a database of an older version stores is named where it is read, written and tested. */
const storedNames = [
  'src/run/status-names.ts',
  'sql/jobs/finish.sql',
  'sql/jobs/last-done.sql',
  'test/engine/schema/migrate/status-names.test.ts',
  'src/db/load-qicore-sql.ts',
  'src/db/server.ts',
  'sql/db/server.sql',
  'test/engine/schema/migrate/job-schedule.test.ts',
  'docs/migrations.md',
]

function filesIn(...paths: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '--', ...paths], {cwd: root, encoding: 'utf8'})
  return listed
    .split('\n')
    .filter((file) => /\.(ts|mjs|sql|md|yml)$/.test(file) && !skipped.some((each) => each.test(file)))
}

/** A test's name is the first argument of `it(`, `describe(` or of the call that `it.each(…)` returns. */
const testName = /^\s*(?:(?:it|test|describe)\b.*?|[\])}]*\))\((?<quote>['"`])(?<name>.*?)\k<quote>,/
/** Formatted on a line of its own if the call does not fit on one line. */
const nameAlone = /^\s*(?<quote>['"`])(?<name>.*)\k<quote>,$/
const comment = /^\s*(?:\/\/|\/\*\*|\*)(?<text>.*)$|\s\/\/ (?<trailing>.*)$/

/** The sentences in a line of a test. Its other strings are data, in which any word may occur. */
function sentencesOf(line: string): string {
  const {text, trailing} = comment.exec(line)?.groups ?? {}
  const {name} = testName.exec(line)?.groups ?? nameAlone.exec(line)?.groups ?? {}
  return [text, trailing, name?.includes(' ') ? name : ''].join(' ')
}

function found(
  file: string,
  part: (line: string) => string,
  words: readonly (readonly [word: RegExp, instead: string])[] = avoided,
): string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      words
        .filter(([word]) => word.test(part(line)))
        .map(([, instead]) => `${file}:${index + 1}: ${line.trim().slice(0, 120)} (say: ${instead})`),
    )
}

describe('sentences', () => {
  it('of the code, its SQL and the documentation use none of the words that an operator reads twice', () => {
    const files = filesIn('src', 'sql', 'docs', 'bench', 'scripts', '.github', '*.md').filter(
      (file) => file !== 'CHANGELOG.md',
    )
    expect(files.length).toBeGreaterThan(300)
    expect(files.flatMap((file) => found(file, (line) => line))).toEqual([])
  })

  it('of the code and the documentation say "is not a time", not "is no time"', () => {
    const no = /(?<!there )\b(?:is|are) no (?!longer\b|more\b|less\b|load\b)(?!INHERIT)[a-z]/i
    const files = filesIn('src', 'docs', '*.md').filter((file) => file !== 'CHANGELOG.md')
    expect(files.flatMap((file) => found(file, (line) => line, [[no, 'is not a']]))).toEqual([])
  })

  it('of the code, its tests and its SQL use no name that the dictionary replaced', () => {
    const files = filesIn('src', 'sql', 'docs', 'test', 'bench', 'scripts').filter(
      (file) => !storedNames.includes(file),
    )
    const names = renamed.map(
      ([words, instead]) => [new RegExp(`(?<![\\w-])(?:${words.join('|')})(?![\\w-])`), instead] as const,
    )
    const left = files.flatMap((file) => found(file, (line) => line, names))
    expect(left).toEqual([])
  })

  it('in names and comments of tests use none of them either', () => {
    const files = filesIn('test')
    expect(files.flatMap((file) => found(file, sentencesOf))).toEqual([])
  })

  it.each([
    ["  it('is told', async () => {", 'is told'],
    ["it.each([1, 2])('%i is told', () => {", '%i is told'],
    ["  ])('%s is told', async (name) => {", '%s is told'],
    ["    'is told to a long name',", 'is told to a long name'],
    ['  // is told', 'is told'],
    [' * is told', 'is told'],
    ["  const user = 'somebody' // is told", 'is told'],
    ["  const user = 'somebody'", ''],
  ])('%j: the sentence of a line is found', (line, sentence) => {
    expect(sentencesOf(line).trim()).toBe(sentence)
  })
})
