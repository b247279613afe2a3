import {createReadStream} from 'node:fs'
import {stat} from 'node:fs/promises'
import {pipeline, Readable} from 'node:stream'
import {createGunzip} from 'node:zlib'
import {isUtf8} from 'node:buffer'
import {OpsError, usageError} from '../errors.js'

/** An input stream, with a name for messages. */
export interface Source {
  name: string
  /** Bytes; null if unknown, as for stdin. */
  size: number | null
  open(): Readable
}

/** @throws OpsError NO_FILE */
export async function fileSource(file: string): Promise<Source> {
  const known = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw usageError('NO_FILE', `${file} cannot be read (${error.code}).`)
  })
  if (known.isDirectory()) throw usageError('NO_FILE', `${file} is a directory.`)
  return {
    name: file,
    size: known.isFile() ? known.size : null,
    open: () => createReadStream(file, {highWaterMark: 256 * 1024}),
  }
}

/**
 * The content, decompressed if it is gzip, without a byte order mark.
 * @param onBytes receives the total number of source bytes read so far
 * @throws OpsError NO_FILE, BAD_FILE
 */
export async function* contentOf(source: Source, onBytes: (read: number) => void = () => {}): AsyncGenerator<Buffer> {
  const counted = count(source, onBytes)
  const head = await first(counted, 4)
  const whole = prepend(head, counted)
  const chunks = head[0] === 0x1f && head[1] === 0x8b ? gunzip(source, whole) : whole
  const start = await first(chunks, 4)
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff))
    throw usageError('BAD_FILE', `${source.name} is UTF-16.`, ['Convert it: iconv -f UTF-16 -t UTF-8'])
  const marked = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf
  yield* prepend(marked ? start.subarray(3) : start, chunks)
}

async function* count(source: Source, onBytes: (read: number) => void): AsyncGenerator<Buffer> {
  let read = 0
  try {
    for await (const chunk of source.open() as AsyncIterable<Buffer>) {
      read += chunk.length
      onBytes(read)
      yield chunk
    }
  } catch (error) {
    throw new OpsError('NO_FILE', `${source.name} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    })
  }
}

async function* gunzip(source: Source, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // A failure surfaces where the result is read; the callback only prevents an unhandled rejection.
  const unpacked = pipeline(Readable.from(packed), createGunzip({chunkSize: 256 * 1024}), () => {})
  try {
    yield* unpacked as AsyncIterable<Buffer>
  } catch (error) {
    if (error instanceof OpsError) throw error
    throw new OpsError('BAD_FILE', `${source.name} is a damaged gzip file: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

/** At least this many bytes, unless the input is shorter. */
async function first(chunks: AsyncGenerator<Buffer>, least: number): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < least) {
    const {value, done} = await chunks.next()
    if (done) break
    head = head.length === 0 ? value : Buffer.concat([head, value])
  }
  return head
}

async function* prepend(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  yield* rest
}

/** A line of text, or why it could not be read. */
export interface Line {
  number: number
  text: string | null
  problem: string | null
}

/** Bytes. A longer line is an error and is never held in memory as a whole. */
export const longestLine = 1024 * 1024

/** Splits content at line feeds, many lines per batch. Invalid UTF-8 is reported, not repaired. */
export async function* linesOf(content: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let number = 0
  let rest: Buffer[] = []
  let restLength = 0
  let tooLong = false
  const lineOf = (bytes: Buffer): Line => {
    number += 1
    if (tooLong || bytes.length > longestLine) {
      tooLong = false
      return {number, text: null, problem: `is longer than ${longestLine} bytes`}
    }
    return isUtf8(bytes)
      ? {number, text: bytes.toString('utf8'), problem: null}
      : {number, text: null, problem: 'is not UTF-8'}
  }
  for await (const chunk of content) {
    const last = chunk.lastIndexOf(10)
    if (last < 0) {
      restLength += chunk.length
      if (restLength > longestLine) [tooLong, rest] = [true, []]
      else rest.push(chunk)
      continue
    }
    const block = Buffer.concat([...rest, chunk.subarray(0, last)])
    rest = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : []
    restLength = chunk.length - last - 1
    if (!tooLong && block.length <= longestLine && isUtf8(block))
      yield block
        .toString('utf8')
        .split('\n')
        .map((text) => ({number: (number += 1), text, problem: null}))
    else yield [...pieces(block)].map(lineOf)
  }
  if (restLength > 0 || tooLong) yield [lineOf(Buffer.concat(rest))]
}

function* pieces(block: Buffer): Generator<Buffer> {
  let from = 0
  for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, from)) {
    yield block.subarray(from, at)
    from = at + 1
  }
  yield block.subarray(from)
}
