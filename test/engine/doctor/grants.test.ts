import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {CheckReport} from '../../../src/doctor/report.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {askDoctor, followFix} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {days, declare} from '../../helpers/policies.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const request = {declared: [declare('feed.ticks', {retention: {after: days(36_500), native: false}})]}
const ids = ['settings.grants_read', 'settings.grants_change'] as const

/** A table that `<database>_owner` owns, and the login `<database>_login` without any privilege. */
async function withRoles(
  database: TestDatabase,
  work: (owner: string, login: string, ask: (id: string, role?: string) => Promise<CheckReport>) => Promise<unknown>,
): Promise<void> {
  const {autocommit, run, db, url} = database
  const [owner, login] = [`${db.server.database}_owner`, `${db.server.database}_login`]
  await run(`create role ${owner}; create role ${login} login; create schema feed authorization ${owner}`)
  await run(`create table feed.ticks (time timestamptz not null); alter table feed.ticks owner to ${owner}`)
  const ask = async (id: string, role?: string) => {
    const target = {...targetOf(url.replace(/\/\/[^@/]*@/, `//${login}@`)), ...(role !== undefined && {role})}
    const as = await connect(target, {applicationName})
    return askDoctor({db: as}, id, request).finally(() => as.close())
  }
  try {
    await work(owner, login, ask)
  } finally {
    await autocommit(`drop owned by ${login}, ${owner}`)
    await autocommit(`drop role ${login}, ${owner}`)
  }
}

const passed = {status: 'passed', findings: []}
const messages = ({findings}: CheckReport) => findings.map(({message}) => message).join('\n')

forEachEngine({native: true}, (engine) => {
  it('settings.grants_read and settings.grants_change: report each missing grant, and with the printed ones they pass', async () => {
    const database = await withCore(await engine.database())
    await withRoles(database, async (owner, login, ask) => {
      await database.run('revoke execute on all routines in schema qicore from public')
      const read = await ask(ids[0])
      expect(
        read.findings.map(({severity, object, fix}) => ({severity, table: object?.table, kind: fix.kind})),
      ).toEqual([
        {severity: 'warning', table: 'ticks', kind: 'sql'},
        {severity: 'warning', table: undefined, kind: 'sql'},
        {severity: 'warning', table: undefined, kind: 'sql'},
      ])
      expect(read.findings[0]!.fix.text).toBe(
        `grant usage on schema "feed" to "${login}"; grant select on "feed"."ticks" to "${login}"`,
      )
      expect(read.findings[1]!.fix.text).toContain(`grant usage on schema qicore to ${login}`)
      expect(read.findings[2]!.fix.text).toBe(`grant pg_monitor to "${login}"`)
      const change = await ask(ids[1])
      expect(change.findings).toMatchObject([
        {object: {schema: 'feed', table: 'ticks'}, fix: {kind: 'sql', text: `grant "${owner}" to "${login}"`}},
        {object: null, data: {role: login}},
      ])
      expect(messages(change)).toMatch(/execute on qicore\.retain\(/)
      for (const {fix} of [...read.findings, ...change.findings]) await followFix(database, fix)
      for (const id of ids) expect(await ask(id), id).toMatchObject(passed)
      // One privilege less is one finding again.
      await database.run(`revoke insert on qicore.job from ${login}`)
      expect(messages(await ask(ids[1]))).toContain('lacks privileges on the schema qicore: insert on qicore.job.')
      expect(await ask(ids[0])).toMatchObject(passed)
    })
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('settings.grants_change: names the role of the target if the role does not inherit, and no membership in a superuser', async () => {
    const database = await engine.database()
    await withRoles(database, async (owner, login, ask) => {
      await database.autocommit(`grant create on database ${database.db.server.database} to ${login}, ${owner}`)
      await database.autocommit(`alter role ${login} noinherit`)
      await database.autocommit(`grant ${owner} to ${login}`)
      const {findings} = await ask(ids[1])
      expect(findings).toMatchObject([{data: {member: true}, fix: {kind: 'advice'}}])
      expect(findings[0]!.fix.text).toBe(`Set role: ${owner} for this target in the configuration`)
      expect(await ask(ids[1], owner)).toMatchObject(passed)
      await database.autocommit(`alter table feed.ticks owner to ${database.db.server.role}`)
      const {findings: superuser} = await ask(ids[1])
      expect(superuser).toMatchObject([{fix: {kind: 'advice', text: expect.stringContaining('is a superuser')}}])
      await database.autocommit(/alter table .*$/.exec(superuser[0]!.fix.text)![0])
      expect(await ask(ids[1])).toMatchObject(passed)
    })
  })

  it('settings.grants_read and settings.grants_change: pass for a superuser, and without the schema qicore for a role that may create it', async () => {
    const database = await engine.database()
    for (const id of ids) expect(await askDoctor(database, id, request)).toMatchObject(passed)
    await withRoles(database, async (owner, login, ask) => {
      await database.autocommit(`grant ${owner}, pg_monitor to ${login}`)
      expect(await ask(ids[0])).toMatchObject(passed)
      const {findings} = await ask(ids[1])
      expect(findings).toMatchObject([{object: null, data: {role: login, missing: ['create']}}])
      await database.autocommit(findings[0]!.fix.text!)
      for (const id of ids) expect(await ask(id), id).toMatchObject(passed)
    })
  })
})
