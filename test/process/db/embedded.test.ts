import {spawn, type ChildProcess} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {embeddedDirectory} from '../../../src/db/database.js'
import {lockDirectory} from '../../../src/db/embedded-directory.js'
import {lockFile} from '../../../src/db/lock-file.js'
import {statement} from '../../../src/db/sql.js'
import type {OpsError} from '../../../src/errors.js'
import {root} from '../../helpers/build.js'
import {directoryWith, temporaryDirectory} from '../../helpers/files.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const open = (directory: string, create = false) =>
  connect(targetOf(`embedded:${directory}`), {applicationName, create})
const refusal = async (directory: string) => (await open(directory).catch((error: unknown) => error)) as OpsError

const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** Runs a module in a separate process and waits for its first line. */
async function resolveSession(code: string): Promise<{child: ChildProcess; line: string}> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()))
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
  return {child, line}
}
const gone = (child: ChildProcess) =>
  new Promise<void>((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve()),
  )

it('is named by a URL', () => {
  expect(embeddedDirectory('embedded:/data/db')).toBe('/data/db')
  expect(embeddedDirectory('embedded:')).toBe('')
  expect(embeddedDirectory('postgres://embedded:x@h/db')).toBe(null)
})

describe('a directory', () => {
  it('that is not a database is refused and left unchanged', async () => {
    const directory = directoryWith({'some/file.txt': 'x', 'a-file': 'y'})
    expect(await refusal(directory)).toMatchObject({code: 'NOT_A_DATABASE', exitCode: 4})
    expect(await refusal(join(directory, 'a-file'))).toMatchObject({code: 'NOT_A_DATABASE', exitCode: 4})
    expect(readdirSync(directory).sort()).toEqual(['a-file', 'some'])
    await expect(open(directory, true)).rejects.toMatchObject({code: 'NOT_A_DATABASE', exitCode: 4})
  })

  it('that does not exist, or is empty, is created only by commands that may create one', async () => {
    const directory = temporaryDirectory()
    expect(await refusal(join(directory, 'none'))).toMatchObject({code: 'NO_DATABASE', exitCode: 4})
    expect(await refusal(directory)).toMatchObject({code: 'NO_DATABASE', exitCode: 4})
    expect(existsSync(join(directory, 'none'))).toBe(false)
  })

  it("that contains a corrupt database is refused with the engine's message, and can be opened again later", async () => {
    const directory = join(temporaryDirectory(), 'db')
    mkdirSync(directory)
    writeFileSync(join(directory, 'PG_VERSION'), '17\n')
    expect(await refusal(directory)).toMatchObject({code: 'NOT_A_DATABASE', exitCode: 4})
    expect(await refusal(directory)).toMatchObject({code: 'NOT_A_DATABASE', exitCode: 4})
  })

  it('keeps all data: compressed rows are counted right after it is opened again', async () => {
    const directory = join(temporaryDirectory(), 'db')
    const first = await open(directory, true)
    const run = (text: string) => first.transaction(writing, (tx) => tx.query(statement(text)))
    await run('create table t (time timestamptz not null, x int)')
    await run("select create_hypertable('t', 'time', chunk_time_interval => interval '1 day')")
    await run(
      "insert into t select time, 1 from generate_series('2026-01-01'::timestamptz, '2026-01-20', '10 minutes') as time",
    )
    await run("alter table t set (timescaledb.compress, timescaledb.compress_orderby = 'time desc')")
    await run("select compress_chunk(c) from show_chunks('t', older_than => '2026-01-15'::timestamptz) as c")
    const question = statement(
      'select count(*) as rows, sum(x) as sum, min(time) as first, max(time) as last from public.t',
    )
    const before = await first.query(question)
    await first.close()

    const second = await open(directory)
    expect(await second.query(question)).toEqual(before)
    expect(second.server).toMatchObject({engine: 'timescaledb', embedded: true, edition: 'community'})
    await second.close()
  })

  it('in use by another process is refused with its pid, and free as soon as that process is gone, killed or not', async () => {
    const directory = join(temporaryDirectory(), 'db')
    await (await open(directory, true)).close()
    const target = JSON.stringify(targetOf(`embedded:${directory}`))
    const {child, line} = await resolveSession(`
      import {connect} from './dist/db/connect.js'
      const db = await connect(${target}, {applicationName: 'other'})
      await db.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0, searchPath: 'public'}, (tx) => tx.query({text: 'create table kept (x int)', values: []}))
      console.log('open')
      setInterval(() => {}, 1000)`)
    expect(line).toBe('open')
    const error = await refusal(directory)
    expect(error).toMatchObject({code: 'IN_USE', exitCode: 5})
    expect(error.message).toContain(`process ${child.pid}`)

    child.kill('SIGKILL')
    await gone(child)
    const db = await open(directory)
    expect(await db.query(statement("select to_regclass('public.kept') is not null as kept"))).toEqual([{kept: true}])
    await db.close()
  })
})

describe('one directory with several names', () => {
  it('is opened by one process only, whatever the name: D/., a symbolic link, a link to a directory above', async () => {
    const above = temporaryDirectory()
    const directory = join(above, 'db')
    const made = await open(directory, true)
    await made.transaction(writing, (tx) => tx.query(statement('create table acknowledged (writer int, n int)')))
    await made.close()
    const elsewhereDirectory = temporaryDirectory()
    symlinkSync(directory, join(elsewhereDirectory, 'link'))
    symlinkSync(above, join(elsewhereDirectory, 'above'))
    const names = [
      `${directory}/.`,
      `${directory}/`,
      `${above}/../${above.split('/').at(-1)}/db`,
      join(elsewhereDirectory, 'link'),
      join(elsewhereDirectory, 'above', 'db'),
    ]

    const target = JSON.stringify(targetOf(`embedded:${directory}`))
    const {child} = await resolveSession(`
      import {connect} from './dist/db/connect.js'
      const db = await connect(${target}, {applicationName: 'qicore-db/writer'})
      const settings = {readOnly: false, lockTimeout: 0, statementTimeout: 0, searchPath: 'public'}
      for (let n = 0; n < 60; n += 1) await db.transaction(settings, (tx) => tx.query({text: 'insert into acknowledged values (1, $1)', values: [n]}))
      console.log('written')
      process.stdin.resume()
      setInterval(() => {}, 1000)`)
    for (const name of names) {
      const error = await refusal(name)
      expect(error, name).toMatchObject({code: 'IN_USE', exitCode: 5})
      expect(error.message).toContain(`process ${child.pid} (qicore-db writer)`)
    }
    child.kill('SIGKILL')
    await gone(child)

    const db = await open(names.at(-1)!)
    await db.transaction(writing, (tx) =>
      tx.query(statement('insert into acknowledged select 2, n from generate_series(0, 59) n')),
    )
    await db.close()
    const last = await open(directory)
    expect(
      await last.query(
        statement('select writer, count(*)::int as rows from public.acknowledged group by writer order by writer'),
      ),
    ).toEqual([
      {writer: 1, rows: 60},
      {writer: 2, rows: 60},
    ])
    await last.close()
  }, 300_000)

  it('is named by the URL of the process that has it open', async () => {
    const directory = temporaryDirectory()
    const unlock = await lockDirectory(directory, {
      command: 'qicore-db/daemon',
      statusUrl: 'http://127.0.0.1:9847/readyz',
    })
    const error = await open(directory, true).catch((thrown: unknown) => thrown as OpsError)
    expect(error).toMatchObject({
      code: 'IN_USE',
      message: expect.stringContaining('(qicore-db daemon)'),
      suggestions: [expect.stringContaining('curl http://127.0.0.1:9847/readyz'), expect.any(String)],
    })
    unlock()
  })
})

describe('an interrupted creation', () => {
  const marker = statement("select to_regclass('public.kept') is not null as kept")

  it('before the database was complete starts again, and nothing else in the directory is touched', async () => {
    const directory = join(temporaryDirectory(), 'db')
    mkdirSync(join(directory, 'qicore-db.making', 'base'), {recursive: true})
    writeFileSync(join(directory, 'qicore-db.making', 'PG_VERSION'), '17\n')
    expect(await refusal(directory)).toMatchObject({code: 'NO_DATABASE', exitCode: 4})
    const db = await open(directory, true)
    expect(db.server.engine).toBe('timescaledb')
    await db.close()
    expect(existsSync(join(directory, 'qicore-db.making'))).toBe(false)
  }, 300_000)

  it('while the complete database was moved into place is finished by the next opening, after any number of files', async () => {
    const directory = join(temporaryDirectory(), 'db')
    const first = await open(directory, true)
    await first.transaction(writing, (tx) => tx.query(statement('create table kept (x int)')))
    await first.close()
    const making = join(directory, 'qicore-db.making')
    const names = readdirSync(directory).filter((name) => name !== 'qicore-db.lock' && name !== 'PG_VERSION')
    for (const moved of [0, Math.floor(names.length / 2), names.length]) {
      mkdirSync(making, {mode: 0o700})
      for (const name of ['PG_VERSION', ...names.slice(moved)]) renameSync(join(directory, name), join(making, name))
      writeFileSync(join(making, 'qicore-db.complete'), '')
      const db = await open(directory, true)
      expect(await db.query(marker)).toEqual([{kept: true}])
      await db.close()
      expect(existsSync(making)).toBe(false)
    }
    // Everything was moved, and only the empty directory is left.
    mkdirSync(making)
    const db = await open(directory)
    expect(await db.query(marker)).toEqual([{kept: true}])
    await db.close()
  }, 300_000)

  it('by kill -9 at random points leaves a directory that opens', async () => {
    const directory = join(temporaryDirectory(), 'db')
    const target = JSON.stringify(targetOf(`embedded:${directory}`))
    const began = Date.now()
    await (await open(join(temporaryDirectory(), 'db'), true)).close()
    const whole = Date.now() - began
    let seed = 20_261_101
    for (let round = 0; round < 4; round += 1) {
      rmSync(directory, {recursive: true, force: true})
      const child = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `
        import {connect} from './dist/db/connect.js'
        await connect(${target}, {applicationName: 'killed', create: true})
        setInterval(() => {}, 1000)`,
        ],
        {cwd: root, stdio: 'ignore'},
      )
      children.push(child)
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      await new Promise((resolve) => setTimeout(resolve, (whole * 1.2 * seed) / 2 ** 31))
      child.kill('SIGKILL')
      await gone(child)
      const db = await open(directory, true)
      expect(await db.query(statement('select 1 as one'))).toEqual([{one: 1}])
      await db.close()
    }
  }, 300_000)
})

describe('a lock on a file', () => {
  it('also excludes this process, and can be taken again after it is released', async () => {
    const path = join(temporaryDirectory(), 'lock')
    const unlock = await lockFile(path, 'It')
    await expect(lockFile(path, 'It')).rejects.toMatchObject({
      code: 'IN_USE',
      exitCode: 5,
      message: `It is in use by process ${process.pid}.`,
    })
    unlock()
    ;(await lockFile(path, 'It'))()
  })

  it('is held by a suspended process', async () => {
    const path = join(temporaryDirectory(), 'lock')
    const {child} = await resolveSession(`
      import {lockFile} from './dist/db/lock-file.js'
      await lockFile(${JSON.stringify(path)}, 'It')
      console.log('held')
      setInterval(() => {}, 1000)`)
    child.kill('SIGSTOP')
    await expect(lockFile(path, 'It')).rejects.toMatchObject({message: `It is in use by process ${child.pid}.`})
    child.kill('SIGKILL')
    await gone(child)
    ;(await lockFile(path, 'It'))()
  })
})
