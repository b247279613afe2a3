import {expect} from 'vitest'
import type {Finding, Fix} from '../../src/doctor/finding.js'
import type {DoctorRequest} from '../../src/doctor/context.js'
import {examine, selectChecks} from '../../src/doctor/examine.js'
import type {CheckReport} from '../../src/doctor/report.js'
import {parseMigration} from '../../src/schema/migrate/parse.js'
import {expectExit, runCli} from './cli.js'
import type {TestDatabase} from './engines.js'
import {expectCommandsParse, printedCommands} from './printed.js'

const usual: DoctorRequest = {declared: [], lateAfter: 6 * 3_600_000, timeUnits: new Map()}

/** The result of one check for a database. */
export async function askDoctor(
  {db}: Pick<TestDatabase, 'db'>,
  id: string,
  changed: Partial<DoctorRequest> = {},
): Promise<CheckReport> {
  const request = {...usual, ...changed}
  const {checks} = await examine(db, request, selectChecks({only: [id], skip: []}))
  if (checks[0] === undefined) throw new Error(`${id} asks nothing of this server`)
  return checks[0]
}

/** Fails with the result unless the check passes. */
export async function expectPassed(
  database: TestDatabase,
  id: string,
  changed?: Partial<DoctorRequest>,
): Promise<void> {
  const {status, findings, missing} = await askDoctor(database, id, changed)
  expect({status, findings, missing}, id).toEqual({status: 'passed', findings: [], missing: null})
}

/**
 * What holds for every check: it passes, the state is created, it finds the state, its fix is run as printed, it
 * passes.
 * @param make creates the state that the check is for
 * @param options.follow replaces the printed fix if it is advice (a restart, a decision)
 * @returns the findings
 */
export async function expectLaw(
  database: TestDatabase,
  id: string,
  make: () => Promise<unknown>,
  options: {request?: Partial<DoctorRequest>; follow?: (fixes: readonly Fix[]) => Promise<unknown>} = {},
): Promise<Finding[]> {
  await expectPassed(database, id, options.request)
  await make()
  const {findings, missing} = await askDoctor(database, id, options.request)
  expect(findings, `${id} finds the state that was made${missing === null ? '' : `: ${missing}`}`).not.toEqual([])
  for (const {message, fix} of findings) await expectCommandsParse(`${message}\n${fix.text}`)
  if (options.follow === undefined) for (const {fix} of findings) await followFix(database, fix)
  else await options.follow(findings.map(({fix}) => fix))
  await expectPassed(database, id, options.request)
  return findings
}

/** Runs a fix: SQL directly, a command of this program as another process with its confirmation. */
export async function followFix(database: TestDatabase, {kind, text}: Fix): Promise<void> {
  if (kind === 'advice') throw new Error(`advice cannot be followed by a test: ${text}`)
  if (kind === 'sql') {
    for (const statement of await parseMigration(text, 'fix')) await database.autocommit(statement.text)
    return
  }
  if (database.url === 'embedded:')
    throw new Error('only this process sees the embedded database in memory: test a command on a native server')
  for (const {words} of printedCommands(text)) {
    const consent = ['--yes', '--confirm', database.db.server.database]
    const result = await runCli([...words, '--url', database.url, ...consent])
    expectExit(result, 0)
  }
}
