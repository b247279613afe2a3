import {Duplex} from 'node:stream'
import {setFlagsFromString} from 'node:v8'
import {Worker} from 'node:worker_threads'
import {ExitCode, OpsError} from '../errors.js'
import type {EnginePlace, FromEngine, ToEngine} from './embedded-worker.js'
import {moveIntoPlace, nameAnother, ownDirectory} from './embedded-directory.js'
import type {Holder} from './lock-file.js'

/** The directory of `embedded:` alone: a database in memory, for tests. */
export const inMemory = ''

export interface EmbeddedEngine {
  /** The `stream` for a node-postgres client. */
  stream: Duplex
  close(): Promise<void>
}

/**
 * Starts the embedded TimescaleDB on a directory, which no other process can open until it is closed.
 * @param create if false, a directory that does not exist or is empty is an error and is not changed
 * @param holder shown in the error of another process that opens the same directory
 * @param template the archive for a database in memory, as in ConnectOptions
 * @throws OpsError IN_USE, NO_DATABASE, NOT_A_DATABASE, NO_EMBEDDED_ENGINE
 */
export async function openEmbedded(
  directory: string,
  create: boolean,
  holder: Holder = {command: ''},
  template?: string,
): Promise<EmbeddedEngine> {
  if (directory === inMemory) return start({directory: null, template}, () => {})
  const {path, making, unlock} = await ownDirectory(directory, create, holder).catch(withoutEngine)
  try {
    if (making !== null) {
      await (await start({directory: making}, () => {})).close()
      moveIntoPlace(path)
    }
    return await start({directory: path}, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

function withoutEngine(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') throw noEngine(error)
  throw error
}

function noEngine(cause?: unknown): OpsError {
  return new OpsError(
    'NO_EMBEDDED_ENGINE',
    'The embedded engine is not installed: the package was installed without its optional dependencies.',
    {
      exit: ExitCode.cannotConnect,
      cause,
      suggestions: [
        'Install again without --omit=optional.',
        'Or use a server: --url postgres://…, QICORE_DB_URL or PGHOST.',
      ],
    },
  )
}

/**
 * V8 recompiles WebAssembly functions with optimizations once they have run for a while. By default this affects most
 * of the code that runs while the engine starts; it costs as much as the start itself, and a command ends before it
 * pays off. With this budget only code that runs for seconds is recompiled: loading and compressing many rows.
 */
const tieringBudget = '--wasm-tiering-budget=1000000000'

async function start(place: EnginePlace, unlock: () => void): Promise<EmbeddedEngine> {
  setFlagsFromString(tieringBudget)
  // execArgv: [] because options of this process, such as a test loader or --input-type, must not apply to the thread.
  const worker = new Worker(workerFile(), {workerData: place, execArgv: [], stderr: true, stdout: true})
  const send = (message: ToEngine) => worker.postMessage(message)
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (message: FromEngine) => {
      if (message.kind === 'ready') return resolve()
      void worker.terminate()
      if (message.kind === 'failed' && message.missing) return reject(noEngine())
      const reason = message.kind === 'failed' ? message.message : message.kind
      reject(
        new OpsError('NOT_A_DATABASE', `The embedded engine cannot open ${place.directory ?? 'memory'}: ${reason}`, {
          exit: ExitCode.cannotConnect,
          suggestions: [nameAnother],
        }),
      )
    })
  })
  const stream = new EngineStream(send)
  let closed: () => void
  const whenClosed = new Promise<void>((resolve) => (closed = resolve))
  worker.on('message', (message: FromEngine) => {
    if (message.kind === 'data')
      stream.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength))
    if (message.kind === 'failed') stream.destroy(new Error(`the embedded engine failed: ${message.message}`))
    if (message.kind === 'closed') closed()
  })
  worker.on('error', (error) => stream.destroy(error))
  worker.on('exit', () => closed())
  return {
    stream,
    async close() {
      send({kind: 'close'})
      await whenClosed
      await worker.terminate()
      unlock()
    },
  }
}

/** Under tsx and vitest this file is TypeScript, and a worker does not inherit their loader. */
function workerFile(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('../../dist/db/embedded-worker.js', import.meta.url)
    : new URL('./embedded-worker.js', import.meta.url)
}

/** A stream to the engine with the methods of a socket that node-postgres calls. */
class EngineStream extends Duplex {
  constructor(private readonly send: (message: ToEngine) => void) {
    super()
  }
  connect(): this {
    setImmediate(() => this.emit('connect'))
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.send({kind: 'data', bytes: Uint8Array.from(chunk)})
    callback()
  }
  override _final(callback: () => void): void {
    // node-postgres waits for the end of the stream, which the engine never sends.
    this.push(null)
    callback()
  }
}
