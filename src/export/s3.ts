import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  type MultipartUpload,
} from '@aws-sdk/client-s3'
import {messageOf, OpsError, usageError} from '../errors.js'
import {exists} from './directory.js'
import type {ExportSettings} from './settings.js'
import type {Store, Upload} from './store.js'

/** A store takes at most 10 000 parts of an object, so 16 MiB allow 156 GiB. One part is held in memory. */
const partSize = 16 * 1024 * 1024

interface Bucket {
  client: S3Client
  name: string
  objectKey(name: string): string
  locationOf(name: string): string
}

/** Opens s3://bucket/prefix. Credentials come from AWS's own chain: environment, profile, role of the machine. */
export async function openBucket({to, endpoint, region}: ExportSettings): Promise<Store> {
  const {name, prefix} = bucketOf(to)
  const client = new S3Client({
    // Without a region the library looks into the profile; a store that is not AWS has none, but signs with one.
    ...(region !== undefined && {region}),
    ...(region === undefined && endpoint !== undefined && {region: 'us-east-1'}),
    // Stores other than AWS rarely have a host name for each bucket.
    ...(endpoint !== undefined && {endpoint, forcePathStyle: true}),
    // Some stores do not know the checksums of newer clients. The whole object is read back and compared in any case.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 4,
  })
  const bucket: Bucket = {
    client,
    name,
    objectKey: (file) => (prefix === '' ? file : `${prefix}/${file}`),
    locationOf: (file) => `s3://${name}/${prefix === '' ? file : `${prefix}/${file}`}`,
  }
  return storeOf(bucket, to)
}

/** @throws OpsError EXPORT_PLACE if it names no bucket */
export function bucketOf(to: string): {name: string; prefix: string} {
  const [, name, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]*)(?:\/(.*))?$/.exec(to) ?? []
  if (name === undefined)
    throw usageError('EXPORT_PLACE', `"${to}" is not the URL of a bucket in an S3-compatible store.`, [
      'Write s3://bucket or s3://bucket/prefix.',
    ])
  return {name, prefix: prefix.replace(/^\/+|\/+$/g, '')}
}

function storeOf(bucket: Bucket, to: string): Store {
  const {client, name: Bucket, objectKey, locationOf} = bucket
  const at = (name: string) => ({Bucket, Key: objectKey(name)})
  return {
    place: to,
    locationOf,
    read: (name) =>
      asking(bucket, `read ${locationOf(name)}`, () =>
        ifThere(async () => bytesOf(await client.send(new GetObjectCommand(at(name))))),
      ),
    size: (name) =>
      asking(bucket, `read ${locationOf(name)}`, () =>
        ifThere(async () => (await client.send(new HeadObjectCommand(at(name)))).ContentLength ?? 0),
      ),
    readRange: (name, start, end) =>
      asking(bucket, `read ${locationOf(name)}`, async () => {
        if (end <= start) return Buffer.alloc(0)
        const part = await bytesOf(
          await client.send(new GetObjectCommand({...at(name), Range: `bytes=${start}-${end - 1}`})),
        )
        if (part.length !== end - start) throw new Error(`${part.length} bytes instead of ${end - start}`)
        return part
      }),
    create: (name) => createObject(bucket, name),
    replace: (name, content) =>
      asking(bucket, `write ${locationOf(name)}`, async () => {
        await client.send(new PutObjectCommand({...at(name), Body: content, ContentType: 'application/json'}))
      }),
    remove: (name) =>
      asking(bucket, `remove ${locationOf(name)}`, async () => {
        await client.send(new DeleteObjectCommand(at(name)))
      }),
    close: () => client.destroy(),
  }
}

async function bytesOf({Body}: {Body?: {transformToByteArray(): Promise<Uint8Array>} | undefined}): Promise<Buffer> {
  return Body === undefined ? Buffer.alloc(0) : Buffer.from(await Body.transformToByteArray())
}

/** An object appears only when its upload is completed, so a killed run leaves none. */
async function createObject(bucket: Bucket, name: string): Promise<Upload> {
  const {client, name: Bucket, objectKey, locationOf} = bucket
  const at = {Bucket, Key: objectKey(name)}
  const what = `write ${locationOf(name)}`
  await asking(bucket, what, () => abortUploads(bucket, at.Key))
  let id: string | undefined
  const parts: {ETag: string | undefined; PartNumber: number}[] = []
  const held: Buffer[] = []
  let bytes = 0
  const send = async (Body: Buffer) => {
    id ??= (await client.send(new CreateMultipartUploadCommand(at))).UploadId
    const PartNumber = parts.length + 1
    const {ETag} = await client.send(new UploadPartCommand({...at, UploadId: id, PartNumber, Body}))
    parts.push({ETag, PartNumber})
  }
  return {
    write: (part) =>
      asking(bucket, what, async () => {
        held.push(Buffer.from(part))
        bytes += part.length
        if (bytes < partSize) return
        const all = Buffer.concat(held.splice(0))
        bytes = 0
        for (let from = 0; from < all.length; from += partSize) {
          const one = all.subarray(from, from + partSize)
          if (one.length === partSize) await send(one)
          else bytes = held.push(one) && one.length
        }
      }),
    finish: () =>
      asking(bucket, what, async () => {
        if ((await ifThere(() => client.send(new HeadObjectCommand(at)))) !== null) throw exists(locationOf(name))
        const rest = Buffer.concat(held.splice(0))
        if (id === undefined) return void (await client.send(new PutObjectCommand({...at, Body: rest})))
        if (rest.length > 0) await send(rest)
        await client.send(new CompleteMultipartUploadCommand({...at, UploadId: id, MultipartUpload: {Parts: parts}}))
      }),
    async abort() {
      if (id === undefined) return
      await client.send(new AbortMultipartUploadCommand({...at, UploadId: id})).catch(() => {})
    },
  }
}

/** Parts of an upload that was never completed are stored, and paid for, until it is aborted. */
async function abortUploads({client, name: Bucket}: Bucket, key: string): Promise<void> {
  for (const {Key, UploadId} of await openUploads(client, Bucket, key))
    if (Key === key) await client.send(new AbortMultipartUploadCommand({Bucket, Key, UploadId}))
}

async function openUploads(client: S3Client, Bucket: string, Prefix: string): Promise<MultipartUpload[]> {
  try {
    return (await client.send(new ListMultipartUploadsCommand({Bucket, Prefix}))).Uploads ?? []
  } catch (error) {
    // Not every store lists them, and not every key may. The bucket's lifecycle rule removes them.
    if (error instanceof S3ServiceException && ['NotImplemented', 'AccessDenied'].includes(error.name)) return []
    throw error
  }
}

async function ifThere<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof S3ServiceException && ['NoSuchKey', 'NotFound'].includes(error.name)) return null
    throw error
  }
}

const credentialsAdvice =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached to the machine.'

const advice: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket, or correct its name.',
  AccessDenied: 'Allow this key to get, put, list and delete objects of the prefix, and to abort multipart uploads.',
  InvalidAccessKeyId: credentialsAdvice,
  SignatureDoesNotMatch: `The secret key is wrong. ${credentialsAdvice}`,
  CredentialsProviderError: credentialsAdvice,
  PermanentRedirect: 'The bucket is in another region: give it with `region` of the export, or AWS_REGION.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: give it with `region` of the export, or AWS_REGION.',
}

/** Errors of the library may hold the request with its headers, so only name, status and message are used. */
async function asking<T>(bucket: Bucket, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OpsError) throw error
    const {name, code, $metadata} = error as {
      name?: string
      code?: string
      $metadata?: {httpStatusCode?: number}
    }
    const status = $metadata?.httpStatusCode === undefined ? '' : ` (HTTP ${$metadata.httpStatusCode})`
    const answer = [name === 'Error' ? undefined : name, messageOf(error) || code].filter(Boolean).join(': ')
    const endpoint = await endpointOf(bucket)
    throw new OpsError(
      'EXPORT_STORE',
      `Cannot ${what}: ${endpoint} answered ${answer}${status}. Nothing was dropped.`,
      {
        suggestions: [advice[name ?? ''] ?? 'Check that the store is reachable, then repeat the command.'],
      },
    )
  }
}

async function endpointOf({client}: Bucket): Promise<string> {
  const endpoint = await client.config.endpoint?.().catch(() => undefined)
  return endpoint === undefined ? 'the store' : `${endpoint.hostname}${endpoint.port ? `:${endpoint.port}` : ''}`
}
