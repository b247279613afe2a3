import {createRequire} from 'node:module'
import {temporaryDirectory} from './files.js'

/**
 * A store that speaks S3's protocol on the loopback interface, with a bucket. s3rver checks the id of the key, but no
 * signature of version 4: those are the business of AWS's library. A store that QICORE_TEST_S3 names checks both.
 */
export interface S3Store {
  endpoint: string
  /** s3://bucket */
  bucket: string
  credentials: {AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string}
  close(): Promise<void>
}

interface Rver {
  run(): Promise<{address: string; port: number}>
  close(): Promise<void>
}
type RverClass = new (options: object) => Rver

/** s3rver, or the store that QICORE_TEST_S3 names: `http://127.0.0.1:9000/bucket`, with keys in AWS's variables. */
export async function startS3(): Promise<S3Store> {
  const named = process.env.QICORE_TEST_S3
  if (named !== undefined) {
    const {origin, pathname} = new URL(named)
    const {AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = ''} = process.env
    const credentials = {AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY}
    return {endpoint: origin, bucket: `s3:/${pathname}`, credentials, close: async () => {}}
  }
  const S3rver = createRequire(import.meta.url)('s3rver') as RverClass
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    vhostBuckets: false,
    directory: temporaryDirectory(),
    configureBuckets: [{name: 'archive', configs: []}],
  })
  const {port} = await server.run()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: 's3://archive',
    credentials: {AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER'},
    close: () => server.close(),
  }
}
