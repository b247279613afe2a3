import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {afterAll, beforeAll, expect, it, vi} from 'vitest'
import {exportRelation} from '../../../src/export/export-relation.js'
import {openStore} from '../../../src/export/store.js'
import {forEachEngine} from '../../helpers/engines.js'
import {startS3, type S3Store} from '../../helpers/s3.js'

const options = {lockTimeout: 2_000}
const subject = {relation: 'public.t', from: null, to: null}
const secret = 'not-the-secret-key-0123456789'

let store: S3Store
beforeAll(async () => {
  store = await startS3()
  for (const [name, value] of Object.entries(store.credentials)) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await store.close()
})

const settings = (prefix: string, over = {}) => ({
  to: `${store.bucket}/${prefix}`,
  format: 'parquet' as const,
  endpoint: store.endpoint,
  region: 'us-east-1',
  ...over,
})

it('parts, ranges and replaced files have the bytes that were written', async () => {
  const place = await openStore(settings(`parts-${process.pid}`), {})
  const bytes = Buffer.from(Array.from({length: 40_000_000}, (_, index) => (index * 7919) % 251))
  const upload = await place.create('a/b')
  for (let at = 0; at < bytes.length; at += 9_000_000) await upload.write(bytes.subarray(at, at + 9_000_000))
  expect(await place.size('a/b'), 'not visible before it is whole').toBeNull()
  await upload.finish()
  expect(await place.size('a/b')).toBe(bytes.length)
  expect((await place.readRange('a/b', 0, bytes.length)).equals(bytes)).toBe(true)
  expect((await place.readRange('a/b', 16_777_210, 33_554_440)).equals(bytes.subarray(16_777_210, 33_554_440))).toBe(
    true,
  )
  await expect(place.create('a/b').then((again) => again.finish())).rejects.toMatchObject({code: 'EXPORT_EXISTS'})
  await place.replace('m', 'one')
  await place.replace('m', 'two')
  expect((await place.read('m'))?.toString()).toBe('two')
  await place.remove('m')
  expect(await place.read('m')).toBeNull()
  place.close()
}, 60_000)

forEachEngine({kinds: ['postgres', 'timescaledb']}, (engine) => {
  it('a table is exported to a bucket and found there by the next run', async () => {
    const {db, run} = await engine.database()
    await run(`create table t (id int, at timestamptz, name text);
      insert into t select g, timestamptz '2024-01-01Z' + g * interval '1 s', 'n' || g from generate_series(1, 3000) g`)
    const to = settings(`table-${engine.name}-${process.pid}`)
    expect(await exportRelation(db, to, subject, options)).toMatchObject({status: 'exported', manifest: {rows: 3000}})
    expect(await exportRelation(db, to, subject, options)).toMatchObject({status: 'found'})
  })

  it('a wrong bucket, wrong keys and a store that hangs up are named, and the key is never printed', async () => {
    const {db, run} = await engine.database()
    await run('create table t (id int); insert into t values (1)')
    const failure = async (over: object) => {
      const error: Error & {suggestions?: string[]} = await exportRelation(
        db,
        settings('x', over),
        subject,
        options,
      ).then(
        () => expect.unreachable(),
        (reason: Error) => reason,
      )
      const all = [error.message, ...(error.suggestions ?? []), error.stack, JSON.stringify(error)].join('\n')
      expect(all).not.toContain(secret)
      expect(error).toMatchObject({code: 'EXPORT_STORE'})
      return error.message
    }
    expect(await failure({to: 's3://absent-bucket'})).toMatch(/s3:\/\/absent-bucket\/.*NoSuchBucket/)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'UNKNOWN')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
    expect(await failure({})).toMatch(/InvalidAccessKeyId.*HTTP 403/)
    for (const [name, value] of Object.entries(store.credentials)) vi.stubEnv(name, value)
    const rude = await hangingUp()
    expect(await failure({endpoint: `http://127.0.0.1:${(rude.address() as AddressInfo).port}`})).toMatch(
      /Nothing was dropped/,
    )
    rude.close()
  }, 60_000)
})

/** A server that closes each connection as soon as a request arrives. */
async function hangingUp(): Promise<Server> {
  const server = createServer((request) => request.socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
