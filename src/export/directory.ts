import {randomBytes} from 'node:crypto'
import {link, mkdir, open, readdir, readFile, rename, rm, stat, unlink, type FileHandle} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {OpsError} from '../errors.js'
import type {Store, Upload} from './store.js'

/** A directory of this machine, or one that is mounted here. */
export function openDirectory(directory: string): Store {
  const path = (name: string) => join(directory, name)
  return {
    place: directory,
    locationOf: path,
    read: (name) => ifThere(path(name), () => readFile(path(name))),
    size: (name) => ifThere(path(name), async () => (await stat(path(name))).size),
    readRange: (name, start, end) => failing(`read ${path(name)}`, () => readPart(path(name), start, end)),
    create: (name) => failing(`write ${path(name)}`, () => createFile(path(name))),
    replace: (name, content) => failing(`write ${path(name)}`, () => replaceFile(path(name), content)),
    remove: (name) => failing(`remove ${path(name)}`, () => rm(path(name), {force: true})),
    close() {},
  }
}

/** The beginning of the names of files that are not whole yet. */
const partialName = (file: string) => `.${basename(file)}.partial-`

async function createFile(file: string): Promise<Upload> {
  await mkdir(dirname(file), {recursive: true})
  for (const left of await readdir(dirname(file)))
    if (left.startsWith(partialName(file))) await rm(join(dirname(file), left), {force: true})
  const partial = join(dirname(file), partialName(file) + randomBytes(6).toString('hex'))
  const handle = await open(partial, 'wx')
  return {
    write: (part) => failing(`write ${file}`, () => writeAll(handle, part)),
    finish: () =>
      failing(`write ${file}`, async () => {
        await handle.sync()
        await handle.close()
        await putInPlace(partial, file)
        await syncDirectory(dirname(file))
      }),
    async abort() {
      await handle.close().catch(() => {})
      await unlink(partial).catch(() => {})
    },
  }
}

async function writeAll(handle: FileHandle, part: Uint8Array): Promise<void> {
  for (let at = 0; at < part.length; ) at += (await handle.write(part, at)).bytesWritten
}

/** A hard link never replaces a file, as a rename would. Some file systems have none. */
async function putInPlace(partial: string, file: string): Promise<void> {
  try {
    await link(partial, file)
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw exists(file)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error
    if ((await ifThere(file, () => stat(file))) !== null) throw exists(file)
    await rename(partial, file)
    return
  }
  await unlink(partial)
}

async function replaceFile(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), {recursive: true})
  const partial = join(dirname(file), partialName(file) + randomBytes(6).toString('hex'))
  const handle = await open(partial, 'wx')
  try {
    await writeAll(handle, Buffer.from(content))
    await handle.sync()
  } catch (error) {
    await unlink(partial).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
  await rename(partial, file)
  await syncDirectory(dirname(file))
}

/** Makes the new name durable, where the system can sync directories. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

async function readPart(file: string, start: number, end: number): Promise<Buffer> {
  const handle = await open(file, 'r')
  try {
    const part = Buffer.alloc(end - start)
    for (let at = 0; at < part.length; ) {
      const {bytesRead} = await handle.read(part, at, part.length - at, start + at)
      if (bytesRead === 0) throw new Error(`the file ends at byte ${start + at}`)
      at += bytesRead
    }
    return part
  } finally {
    await handle.close()
  }
}

async function ifThere<T>(file: string, work: () => Promise<T>): Promise<T | null> {
  return failing(`read ${file}`, async () => {
    try {
      return await work()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  })
}

export function exists(location: string): OpsError {
  return new OpsError('EXPORT_EXISTS', `${location} exists already, with other contents. It was not changed.`, {
    suggestions: ['Export to another destination, or move the file away after checking what it is.'],
  })
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space, or export to another destination. Then repeat the command.',
  EDQUOT:
    'The quota of this user is used up: free some space, or export to another destination. Then repeat the command.',
  EACCES: 'Run as a user who may write there, or change the permissions. Then repeat the command.',
  EPERM: 'Run as a user who may write there, or change the permissions. Then repeat the command.',
  EROFS: 'The file system is read-only: export to another destination.',
  ENOTDIR: 'A part of the path is a file: export to another destination.',
}

async function failing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OpsError) throw error
    const {code, message} = error as NodeJS.ErrnoException
    // Node's message repeats the path behind the comma.
    const [said] = message.split(', ')
    throw new OpsError('EXPORT_STORE', `Cannot ${what}: ${said}. Nothing was dropped.`, {
      cause: error,
      suggestions: [advice[code ?? ''] ?? 'Remove the cause, then repeat the command.'],
    })
  }
}
