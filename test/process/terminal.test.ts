import {spawn} from 'node:child_process'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {forEachEngine} from '../helpers/engines.js'
import {temporaryDirectory} from '../helpers/files.js'

/** Runs a line of shell with `qicore-db` as a function. @returns what was printed, and the exit codes of the pipeline */
async function shell(line: string, stdin: (printed: string) => string | null = () => null) {
  const cwd = temporaryDirectory()
  const child = spawn('bash', ['-c', line], {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: cwd,
      NO_COLOR: '1',
      TERM: 'xterm',
      NODE: process.execPath,
      RUN: join(root, 'bin/run.js'),
    },
  })
  let printed = ''
  const read = (text: string): void => {
    printed += text
    const answer = stdin(printed)
    if (answer !== null) child.stdin.write(answer)
  }
  child.stdin.on('error', () => {})
  child.stdout.setEncoding('utf8').on('data', read)
  child.stderr.setEncoding('utf8').on('data', read)
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return {printed, exitCode}
}

describe('the reader of the output goes away', () => {
  it.each([
    ['--help', '2>/dev/null'],
    ['--help', '2>&1'],
    ['config schema', '2>/dev/null'],
    ['config schema', '2>&1'],
  ])('%s %s ends with 0 and no message', async (words, stderr) => {
    // The reader ends before anything is written: also what fits into the pipe meets a closed one.
    const {printed} = await shell(`"$NODE" "$RUN" ${words} ${stderr} | true; echo "codes \${PIPESTATUS[*]}"`)
    expect(printed).toBe('codes 0 0\n')
  })
})

it('a command that is suggested at a terminal runs as it is printed', async () => {
  const help = await shell(`script -qefc '"$NODE" "$RUN" --help' /dev/null`)
  const suggested = /^ +(.*) config show /m.exec(help.printed)?.[1]
  expect(suggested).toMatch(/^(node \/.*\/bin\/run\.js|qicore-db)$/)
  const {printed, exitCode} = await shell(`${suggested} config show`)
  expect({printed, exitCode}).toMatchObject({exitCode: 0, printed: expect.stringContaining('Policies')})
  const linked = await shell(
    `mkdir bin; ln -s "$RUN" bin/qicore-db; PATH="$PWD/bin:$PATH"; script -qefc "qicore-db --help" /dev/null`,
  )
  expect(linked.printed).toMatch(/^ +qicore-db config show /m)
  expect((await shell('"$NODE" "$RUN" --help | cat')).printed).toMatch(/^ +qicore-db config show /m)
})

forEachEngine({kinds: ['postgres']}, (engine) => {
  it('stats at a terminal keeps the names of the tables for completion, and in a pipe it keeps nothing', async () => {
    const url = await engine.urlFor(({run}) =>
      run('create table public.kept (at timestamptz not null) partition by range (at)'),
    )
    const {printed} = await shell(
      `"$NODE" "$RUN" stats --url '${url}' >/dev/null 2>&1; ls -A; script -qefc '"$NODE" "$RUN" stats --url "${url}"' /dev/null >/dev/null; "$NODE" "$RUN" __complete chunks drop --url '${url}' ke`,
    )
    expect(printed).toBe('kept\t\n')
  })

  it('a report that is watched ends when its reader goes away', async () => {
    const url = await engine.urlFor(async () => {})
    const {printed} = await shell(
      `"$NODE" "$RUN" stats --url '${url}' --json --watch --every 500ms 2>/dev/null | head -c 20; codes="\${PIPESTATUS[*]}"; echo; echo "codes $codes"`,
    )
    expect(printed).toContain('codes 0 0\n')
  })

  it('a change whose reader goes away is carried out to its end', async () => {
    const database = await engine.database()
    await database.run(`create table fills (at timestamptz not null) partition by range (at)`)
    const {printed} = await shell(
      `"$NODE" "$RUN" partitions create fills --from 2024-01 --to 2024-12 --url '${database.url}' --yes 2>&1 | true; echo "codes \${PIPESTATUS[*]}"`,
    )
    expect(printed).toBe('codes 0 0\n')
    const [row] = await database.run<{count: number}>(
      `select count(*)::int as count from pg_inherits where inhparent = 'fills'::regclass`,
    )
    expect(row!.count).toBe(12)
  })

  it('a dry run at a terminal prints its SQL only with --sql', async () => {
    const database = await engine.database()
    await database.run(`create table fills (at timestamptz not null) partition by range (at)`)
    const dryRun = (flag: string) =>
      shell(
        `script -qefc '"$NODE" "$RUN" partitions create fills --from 2024-01 --to 2024-02 --dry-run ${flag} --url "${database.url}"' /dev/null`,
      )
    const [plain, withSql] = [await dryRun(''), await dryRun('--sql')]
    expect(plain.printed).toContain('2024')
    expect(plain.printed).not.toMatch(/create table/i)
    expect(withSql.printed).toMatch(/create table/i)
  })

  it.each([
    {answer: 'Ctrl-C', keys: '\u0003', code: 130, says: 'Interrupted. Nothing was changed.'},
    {answer: 'Ctrl-D', keys: '\u0004', code: 130, says: 'Interrupted. Nothing was changed.'},
    {answer: 'SIGTERM', signal: 'SIGTERM' as const, code: 130, says: 'Interrupted. Nothing was changed.'},
    {answer: 'SIGINT', signal: 'SIGINT' as const, code: 130, says: 'Interrupted. Nothing was changed.'},
    {answer: 'nothing', keys: '\r', code: 7, says: 'Not confirmed. Nothing was changed.'},
    {answer: 'a yes where a name is asked', keys: 'y\r', code: 7, says: 'Not confirmed. Nothing was changed.'},
  ])('$answer at the question of a change ends with $code and changes nothing', async ({keys, signal, code, says}) => {
    const database = await engine.database()
    await database.run(`create table fills (at timestamptz not null) partition by range (at)`)
    await database.run(`create table fills_old partition of fills for values from ('2024-01-01') to ('2024-02-01')`)
    // The last partition of a set stays.
    await database.run(`create table fills_new partition of fills for values from ('2030-01-01') to ('2030-02-01')`)
    let asked = false
    // `script` gives the program a terminal, which turns the bytes 3 and 4 into Ctrl-C and Ctrl-D.
    const {printed, exitCode} = await shell(
      `script -qefc 'echo pid $$; exec "$NODE" "$RUN" partitions drop fills --older-than 1y --url "${database.url}"' /dev/null`,
      (text) => {
        if (asked || !text.includes('to continue:')) return null
        asked = true
        if (signal !== undefined) process.kill(Number(/pid (\d+)/.exec(text)![1]), signal)
        return keys ?? null
      },
    )
    expect(asked, printed).toBe(true)
    expect(printed).toContain(says)
    expect(exitCode).toBe(code)
    expect(await database.run(`select from pg_class where relname = 'fills_old'`)).toHaveLength(1)
  })
})

describe('a signal while the command only reads', () => {
  it.each(['SIGTERM', 'SIGINT'])('%s ends it with 130, under --json with a document', async (signal) => {
    const ended = async (flag: string) => {
      // It reads its input for as long as `sleep` does not end it; a shell would ignore SIGINT in the background.
      const {printed} = await shell(
        `"$NODE" -e 'const {spawn} = require("child_process")
          const child = spawn(process.execPath, [process.env.RUN, "validate", "price", ${flag}], {stdio: ["pipe", 1, 2]})
          setTimeout(() => child.kill("${signal}"), 5000)
          child.on("exit", (code) => { console.log("code", code); process.exit() })'`,
      )
      return printed
    }
    expect(await ended('"-"')).toBe('Interrupted.\ncode 130\n')
    const [document, code] = (await ended('"-", "--json"')).split('code ')
    expect(JSON.parse(document!)).toMatchObject({error: {code: 'INTERRUPTED', exitCode: 130}})
    expect(code).toBe('130\n')
  })
})
