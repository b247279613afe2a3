// In a CLI host this module takes the place of dist/db/embedded.js: after a command the engine stays open, with its lock
// file, and the next command on the same directory gets a new session of it. Starting the engine takes longer than most
// commands.
import {statSync} from 'node:fs'
import {Duplex} from 'node:stream'
import {inMemory, openEmbedded as open} from '../../dist/db/embedded.js'

export {inMemory}

/** @type {{identity: string, engine: {stream: Duplex, close(): Promise<void>}, greeting: Buffer} | null} */
let kept = null

/** Closes the engine, so that another process can open its directory. */
export async function release() {
  const closing = kept
  kept = null
  await closing?.engine.close()
}

export const isKept = () => kept !== null

export async function openEmbedded(directory, ...rest) {
  if (directory === inMemory) return open(directory, ...rest)
  if (kept !== null && kept.identity !== identityOf(directory)) await release()
  if (kept === null) {
    const engine = await open(directory, ...rest)
    engine.stream.on('error', () => (kept = null))
    kept = {identity: identityOf(directory), engine, greeting: null}
  } else await reset(kept.engine.stream)
  return {stream: new Session(kept), close: async () => {}}
}

/** The device and inode: a directory that was replaced is another one. */
function identityOf(directory) {
  const found = statSync(directory, {throwIfNoEntry: false})
  return found === undefined ? '' : `${found.dev}:${found.ino}`
}

/** Gives the session the state of a new one: no transaction, and no setting, prepared statement or lock of the last. */
function reset(stream) {
  return new Promise((resolve, reject) => {
    const statements = ['rollback', 'discard all']
    const next = () => {
      const statement = statements.shift()
      if (statement === undefined) {
        stream.off('data', onData)
        resolve()
      } else stream.write(queryMessage(statement))
    }
    const onData = (bytes) => {
      for (const {type, text} of messages(bytes)) {
        if (type === 'E') reject(new Error(`the session was not reset: ${text}`))
        if (type === 'Z') next()
      }
    }
    stream.on('data', onData)
    next()
  })
}

function queryMessage(text) {
  const body = Buffer.from(`${text}\0`)
  const head = Buffer.alloc(5)
  head.write('Q')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** The engine sends whole messages. */
function* messages(bytes) {
  for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1))
    yield {
      type: String.fromCharCode(bytes[at]),
      text: bytes.toString('utf8', at + 5, at + 1 + bytes.readInt32BE(at + 1)),
    }
}

/**
 * The stream of one session. The engine accepts one startup message; a later session gets the answer to the first.
 */
class Session extends Duplex {
  #kept
  #started = false
  #data = (bytes) => {
    // From AuthenticationOk to ReadyForQuery, without the request for a password before.
    if (this.#kept.greeting === null && [...messages(bytes)].some(({type}) => type === 'Z')) this.#kept.greeting = bytes
    this.push(bytes)
  }

  constructor(keptEngine) {
    super()
    this.#kept = keptEngine
    keptEngine.engine.stream.on('data', this.#data)
    this.once('close', () => this.#detach())
  }
  #detach() {
    this.#kept.engine.stream.off('data', this.#data)
  }
  connect() {
    setImmediate(() => this.emit('connect'))
    return this
  }
  setNoDelay() {
    return this
  }
  setKeepAlive() {
    return this
  }
  ref() {
    return this
  }
  unref() {
    return this
  }
  _read() {}
  _write(chunk, _encoding, callback) {
    const startup = !this.#started
    this.#started = true
    if (startup && this.#kept.greeting !== null) this.push(this.#kept.greeting)
    else this.#kept.engine.stream.write(chunk)
    callback()
  }
  _final(callback) {
    this.#detach()
    this.push(null)
    callback()
  }
}
