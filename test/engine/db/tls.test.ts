import {chmodSync, chownSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {OpsError} from '../../../src/errors.js'
import {certificateAuthority, noOpenssl} from '../../helpers/certificates.js'
import {skipBecause} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const reason = noOpenssl()
if (reason !== null) skipBecause(`TLS: ${reason}`)
else tests()

function tests(): void {
  const directory = temporaryDirectory()
  const ours = certificateAuthority(directory, 'ours')
  const another = certificateAuthority(directory, 'another')
  const person = ours.issue('person', '/CN=person')
  let server: NativePostgres
  let inTheClear: NativePostgres

  beforeAll(async () => {
    inTheClear = await startPostgres18()
    server = await startPostgres18({
      hba: [
        'hostssl all only_tls all trust',
        'hostnossl all only_tls all reject',
        'hostnossl all only_clear all trust',
        'hostssl all only_clear all reject',
        'hostssl all person all cert',
        'host all with_password all scram-sha-256',
      ],
    })
    // Its name is localhost; no certificate has its address.
    const {certificate, key} = ours.issue('server', '/CN=localhost', 'DNS:localhost')
    const text = {
      certificate: join(server.directory, 'server.crt'),
      key: join(server.directory, 'server.key'),
      root: join(server.directory, 'root.crt'),
    }
    for (const [from, to] of [
      [certificate, text.certificate],
      [key, text.key],
      [ours.certificate, text.root],
    ] as const) {
      writeFileSync(to, readFileSync(from))
      chmodSync(to, 0o600)
      if (process.getuid?.() === 0) chownSync(to, 65_534, 65_534)
    }
    const db = await connect(targetOf(`${server.url}?sslmode=disable`), {applicationName})
    for (const role of ['only_tls', 'only_clear', 'person'])
      await db.transaction(writing, (tx) => tx.query(statement(`create role ${role} login`)))
    await db.transaction(writing, (tx) => tx.query(statement("create role with_password login password 'opensesame'")))
    for (const [name, value] of [
      ['ssl_cert_file', text.certificate],
      ['ssl_key_file', text.key],
      ['ssl_ca_file', text.root],
      ['ssl', 'on'],
    ])
      await db.autocommit(writing, statement(`alter system set ${name} = '${value}'`))
    await db.query(statement('select pg_reload_conf()'))
    await db.close()
    await vi.waitFor(async () => expect(await reached('postgres', 'localhost', 'sslmode=require')).toBe('tls'), {
      timeout: 10_000,
      interval: 100,
    })
  })
  afterAll(async () => {
    await server?.stop()
    await inTheClear?.stop()
  })

  async function reached(
    role: string,
    host: string,
    parameters: string,
    where = server,
  ): Promise<'tls' | 'clear' | string> {
    let db: Database
    try {
      db = await connect(targetOf(`postgres://${role}@${host}:${where.port}/postgres?${parameters}`), {applicationName})
    } catch (error) {
      if (error instanceof OpsError) return error.code
      throw error
    }
    const [row] = await db.query<{ssl: boolean}>(statement('select ssl from pg_stat_ssl where pid = pg_backend_pid()'))
    await db.close()
    return row!.ssl ? 'tls' : 'clear'
  }

  const root = `sslrootcert=${encodeURIComponent(ours.certificate)}`
  const wrongRoot = `sslrootcert=${encodeURIComponent(another.certificate)}`
  const client = `sslcert=${encodeURIComponent(person.certificate)}&sslkey=${encodeURIComponent(person.key)}`

  describe('a server with and without TLS', () => {
    it.each([
      ['', 'tls'],
      ['sslmode=disable', 'clear'],
      ['sslmode=allow', 'clear'],
      ['sslmode=prefer', 'tls'],
      ['sslmode=require', 'tls'],
      [`sslmode=require&${root}`, 'tls'],
      [`sslmode=require&${wrongRoot}`, 'CONNECT'],
      [`sslmode=verify-ca&${root}`, 'tls'],
      [`sslmode=verify-ca&${wrongRoot}`, 'CONNECT'],
      ['sslmode=verify-ca', 'TLS'],
      [`sslmode=verify-full&${root}`, 'tls'],
      [`sslmode=verify-full&${wrongRoot}`, 'CONNECT'],
      ['sslmode=verify-full&sslrootcert=system', 'CONNECT'],
      ['sslmode=verify-ca&sslrootcert=system', 'TLS'],
      ['sslmode=sometimes', 'TLS'],
      ['sslmode=verify-full&sslrootcert=/nowhere.pem', 'TLS'],
    ])('%s gives %s', async (parameters, expected) => {
      expect(await reached('postgres', 'localhost', parameters)).toBe(expected)
    })
  })

  it('verify-full refuses a certificate for another name, verify-ca does not check the name', async () => {
    expect(await reached('postgres', '127.0.0.1', `sslmode=verify-full&${root}`)).toBe('CONNECT')
    expect(await reached('postgres', '127.0.0.1', `sslmode=verify-ca&${root}`)).toBe('tls')
  })

  it('prefer and allow use the other mode if the server refuses the first', async () => {
    expect(await reached('only_tls', 'localhost', 'sslmode=allow')).toBe('tls')
    expect(await reached('only_clear', 'localhost', 'sslmode=prefer')).toBe('clear')
    expect(await reached('only_tls', 'localhost', 'sslmode=disable')).toBe('CONNECT')
    expect(await reached('only_clear', 'localhost', 'sslmode=require')).toBe('CONNECT')
  })

  it('a server without TLS is connected in the clear unless that is forbidden', async () => {
    expect(await reached('postgres', '127.0.0.1', '', inTheClear)).toBe('clear')
    expect(await reached('postgres', '127.0.0.1', 'sslmode=allow', inTheClear)).toBe('clear')
    expect(await reached('postgres', '127.0.0.1', 'sslmode=require', inTheClear)).toBe('CONNECT')
    expect(await reached('postgres', '127.0.0.1', `sslmode=verify-full&${root}`, inTheClear)).toBe('CONNECT')
  })

  it('a client certificate is sent if the server requires one', async () => {
    expect(await reached('person', 'localhost', `sslmode=verify-full&${root}&${client}`)).toBe('tls')
    expect(await reached('person', 'localhost', `sslmode=verify-full&${root}`)).toBe('CONNECT')
  })

  it('TLS is never requested on a Unix socket', async () => {
    expect(await reached('postgres', encodeURIComponent(server.directory), `sslmode=verify-full&${root}`)).toBe('clear')
  })

  describe('a password', () => {
    const url = () => `postgres://with_password@localhost:${server.port}/postgres`
    const opens = async (env: Record<string, string>) => {
      vi.unstubAllEnvs()
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
      try {
        const db = await connect(targetOf(url()), {applicationName})
        await db.close()
        return 'open'
      } catch (error) {
        return (error as OpsError).message
      } finally {
        vi.unstubAllEnvs()
      }
    }

    it('is taken from PGPASSWORD, or from the matching line of PGPASSFILE', async () => {
      const file = join(directory, 'pgpass')
      writeFileSync(file, `otherhost:*:*:*:wrong\nlocalhost:${server.port}:postgres:with_password:opensesame\n`, {
        mode: 0o600,
      })
      expect(await opens({PGPASSFILE: file})).toBe('open')
      expect(await opens({PGPASSWORD: 'opensesame'})).toBe('open')
    })

    it('that is wrong or missing is reported, and not shown', async () => {
      const wrong = await opens({PGPASSWORD: 'shibboleth'})
      expect(wrong).toMatch(/password authentication failed/)
      expect(wrong).not.toContain('shibboleth')
      expect(await opens({PGPASSFILE: '/nowhere'})).toMatch(/password/)
    })
  })
}
