import {OpsError, usageError} from '../errors.js'
import {sendCancel} from './cancel.js'
import {endClient, newClient, noAnswer, serverEncoding, types, wireOf, type Client} from './client.js'
import {encoderFor} from './encoding.js'
import {connectServer} from './connect-server.js'
import {
  embeddedDirectory,
  readOnlySettings,
  type ConnectOptions,
  type Database,
  type Db,
  type Notice,
  type Target,
  type TransactionSettings,
} from './database.js'
import type {EmbeddedEngine} from './embedded.js'
import {libraryError, withoutLibrary} from './library.js'
import {readServer} from './probe.js'
import type {Server} from './server.js'
import type {Statement} from './sql.js'
import {answeredAfter, toOpsError, OwnCode, sqlState, SqlState} from './sqlstate.js'
import {sessionSettings, type Pipeline} from './session.js'
import {resetSession, sessionWide, type Settings} from './session-corrections.js'
import {inTransaction} from './transaction.js'
import {Turns, type Turn} from './turns.js'

/** The timeout of a cancel request, in milliseconds. */
const cancelTimeout = 5_000

/** Opens a session. @throws OpsError CONNECT, BAD_URL, TLS, IN_USE and others; messages contain no password */
export async function connect(target: Target, options: ConnectOptions): Promise<Database> {
  const directory = embeddedDirectory(target.url)
  if (directory === null) {
    const {client, host} = await connectServer(target, options)
    return serve(client, host, target, options, null)
  }
  const {openEmbedded} = await import('./embedded.js')
  const holder = {command: options.applicationName, statusUrl: options.statusUrl}
  const engine = await openEmbedded(directory, options.create ?? false, holder, options.template)
  try {
    const client = newClient({stream: () => engine.stream, user: 'postgres', database: 'postgres', ssl: false})
    await client.connect()
    return await serve(client, null, target, options, engine)
  } catch (error) {
    await engine.close()
    throw toOpsError(error, `open the database in ${directory || 'memory'}`)
  }
}

// The methods share the state of one session, and callers spread the object to replace a method, which does not work
// with a class.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: see above
async function serve(
  first: Client,
  firstHost: number | null,
  target: Target,
  options: ConnectOptions,
  engine: EmbeddedEngine | null,
): Promise<Database> {
  let client = first
  let host = firstHost ?? undefined
  const listeners = new Set<(notice: Notice) => void>()
  const onNoTransaction = new Set<() => void>()
  const onLost = new Set<() => void>()
  const listen = () => {
    const listened = client
    client.on('notice', ({severity, code, message, routine}) => {
      if (code === SqlState.noTransaction) {
        for (const tell of onNoTransaction) tell()
        return
      }
      // The embedded engine always sends its debug log.
      if (engine !== null && severity?.startsWith('DEBUG')) return
      const notice = {
        severity: severity ?? 'NOTICE',
        code: code ?? '00000',
        message: message ?? '',
        routine: routine ?? null,
      }
      for (const tell of listeners) tell(notice)
    })
    client.once('end', () => {
      if (client === listened) for (const tell of onLost) tell()
    })
  }
  /** Errors of node-postgres on a closed connection have no code: adds one. */
  const mark = (error: unknown) => {
    const bare = error instanceof Error && error.constructor === Error && sqlState(error) === undefined
    if (bare && wireOf(client).ended) Object.assign(error, {code: OwnCode.connectionLost})
  }
  const coded = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      mark(error)
      throw error
    })
  const giveUp = (seconds: number) => void wireOf(client).stream.destroy(noAnswer(`within ${seconds} s`))
  const listening = async <T>(settings: TransactionSettings, work: () => Promise<T>): Promise<T> => {
    if (settings.onNotice) listeners.add(settings.onNotice)
    try {
      return await work()
    } finally {
      if (settings.onNotice) listeners.delete(settings.onNotice)
    }
  }
  const turns = new Turns()
  const session = () => ({
    client: client as unknown as Pipeline,
    applicationName: options.applicationName,
    onNoTransaction,
    prepares,
    encode: encoderFor(serverEncoding(client)),
    types,
    corrections,
    workers,
    mark,
    giveUp: engine === null ? giveUp : null,
  })
  const transaction = <T>(settings: TransactionSettings, work: (tx: Db) => Promise<T>): Promise<T> => {
    const begun = (turn: Turn) => listening(settings, () => inTransaction(session(), settings, work, turn))
    // A notice does not name its statement: only one transaction at a time may listen.
    const mayShare = settings.readOnly && settings.onNotice === undefined
    return mayShare ? turns.behind(begun) : turns.alone(begun)
  }
  const query = async <Row extends object>(
    question: Statement,
    settings: TransactionSettings = readOnlySettings,
  ): Promise<Row[]> => {
    return alone((work) => transaction(settings, work), question)
  }
  // Not behind a pooler, where the next transaction may use another server session. Not on the embedded engine, which
  // has no autovacuum: a plan made for empty tables would never be replaced.
  let prepares = false
  let corrections: Settings = []
  let workers = false
  const ask = async (): Promise<Server> => {
    const processId = engine ? null : wireOf(client).processID
    const settings = {...readOnlySettings, statementTimeout: 10_000}
    const begun = (work: (tx: Db) => Promise<void>) =>
      turns.behind((turn) => inTransaction({...session(), corrections: [], workers: false}, settings, work, turn))
    const asked = <Row extends object>(question: Statement) => alone<Row>(begun, question)
    const found = await readServer(asked, processId, engine !== null)
    prepares = !found.pooled && engine === null
    corrections = found.corrections
    workers = found.citus !== null
    if (found.sessionCorrections.length > 0) await coded(client.query(sessionWide(found.sessionCorrections)))
    return found
  }
  listen()
  let server = await ask().catch(async (error: unknown) => {
    await endClient(client)
    throw (
      (await libraryError(
        error,
        async () => (await connectServer({...target, host}, options, withoutLibrary)).client,
      )) ?? toOpsError(error, 'read the version and settings of the server')
    )
  })

  return {
    target,
    get server() {
      return server
    },
    query,
    transaction,
    async autocommit(settings, what, followUp) {
      if (server.pooled) return autocommitDirect(target, options, settings, what, followUp)
      await turns.alone(() =>
        listening(settings, async () => {
          try {
            await coded(client.query(sessionSettings(settings, options.applicationName, corrections)))
            const {encode} = session()
            const send = (statement: Statement) => {
              const {text, values} = encode(statement)
              return coded(client.query(text, values.length > 0 ? [...values] : undefined))
            }
            const answers = followUp === undefined ? [send(what)] : [send(what), send(followUp)]
            const [first] = await Promise.allSettled(answers)
            if (first!.status === 'rejected') {
              await coded(client.query('select')).then(
                () => answeredAfter(first!.reason),
                () => {},
              )
              throw first!.reason
            }
          } finally {
            await client.query(resetSession(server.sessionCorrections)).catch(() => {})
          }
        }),
      )
    },
    async probe() {
      server = await ask()
      return server
    },
    async reconnect() {
      if (engine)
        throw new OpsError('CONNECTION_LOST', 'The embedded engine has stopped. Run the command again.', {exit: 4})
      await endClient(client)
      ;({client, host} = await connectServer({...target, host: undefined}, options))
      listen()
      server = await ask()
    },
    async openSession() {
      if (engine) throw usageError('ONE_SESSION', 'The embedded engine supports only one session.')
      return connect({...target, host}, options)
    },
    sibling: (database) => ({
      ...target,
      url: target.directUrl ?? target.url,
      directUrl: undefined,
      database,
      // The index does not apply to the list of hosts in directUrl.
      host: target.directUrl === undefined ? host : undefined,
    }),
    async cancel() {
      if (engine) return
      const {processID, secretKey} = wireOf(client)
      if (processID !== null)
        await sendCancel({host: client.host, port: client.port, processID, secretKey}, cancelTimeout)
    },
    get backend() {
      const {processID} = wireOf(client)
      const {pooled, backendStart} = server
      return pooled || processID === null || backendStart === null ? null : {pid: processID, startedAt: backendStart}
    },
    onLost: (tell) => void onLost.add(tell),
    abort() {
      if (!engine)
        wireOf(client).stream.destroy(
          Object.assign(new Error('the connection was closed by this process'), {code: OwnCode.connectionLost}),
        )
    },
    async close() {
      await endClient(client)
      await engine?.close()
    },
  }
}

/** Runs one statement in a transaction of its own; it is not awaited there, so that BEGIN and COMMIT travel with it. */
async function alone<Row extends object>(
  transact: (work: (tx: Db) => Promise<void>) => Promise<void>,
  question: Statement,
): Promise<Row[]> {
  let rows: Promise<Row[]> = Promise.resolve([])
  await transact(async (tx) => void (rows = tx.query<Row>(question)))
  return rows
}

/** Runs a statement that a transaction pooler does not support over a direct connection. */
async function autocommitDirect(
  target: Target,
  options: ConnectOptions,
  settings: TransactionSettings,
  what: Statement,
  followUp: Statement | undefined,
): Promise<void> {
  if (!target.directUrl)
    throw usageError(
      'POOLER',
      'This statement needs its own session, but the connection uses a transaction pooler and the target has no directUrl.',
      ['Give the target a directUrl that bypasses the pooler, or connect to the server itself with --url.'],
    )
  const direct = await connect({...target, url: target.directUrl, directUrl: undefined, host: undefined}, options)
  try {
    if (direct.server.pooled)
      throw usageError('POOLER', 'The directUrl of this target also connects to a transaction pooler.')
    await direct.autocommit(settings, what, followUp)
  } finally {
    await direct.close()
  }
}
