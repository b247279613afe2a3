/** With flight.ts the only importer of node-postgres. */
import {userInfo} from 'node:os'
import pg, {type ClientConfig} from 'pg'
import {OpsError, usageError} from '../errors.js'
import {instantFromServer} from '../units/instant.js'
import {embeddedDirectory, reading, type ConnectOptions, type Database, type Db, type Notice, type Target, type TransactionSettings} from './database.js'
import type {EmbeddedEngine} from './embedded.js'
import {connectionParameters, type Parameters} from './libpq.js'
import {loadSql} from './load-sql.js'
import {describeServer, type Server, type ServerRow} from './server.js'
import {statement, type Statement} from './sql.js'
import {explain, serverWords, sqlState, SqlState} from './sqlstate.js'
import {tlsAttempts} from './tls.js'
import {inTransaction, sessionSettings, type Pipeline} from './transaction.js'

const connectTimeout = 5_000

/** @throws OpsError CONNECT, BAD_URL, TLS, IN_USE and what else stands in the way, without any password */
export async function connect(target: Target, options: ConnectOptions): Promise<Database> {
  const directory = embeddedDirectory(target.url)
  if (directory === null) return serve(await connectServer(target.url, target), target, options, null)
  const {openEmbedded} = await import('./embedded.js')
  const engine = await openEmbedded(directory, options.create ?? false)
  try {
    const client = new pg.Client({stream: () => engine.stream, user: 'postgres', database: 'postgres', ssl: false, types, pipeline: true} as ClientConfig)
    await client.connect()
    return await serve(client, target, options, engine)
  } catch (error) {
    await engine.close()
    throw explain(error, `open the database in ${directory || 'memory'}`)
  }
}

async function connectServer(url: string, target: Target): Promise<pg.Client> {
  const parameters = {...connectionParameters(url, process.env), ...(target.database !== undefined && {dbname: target.database})}
  const attempts = tlsAttempts(parameters, process.env)
  for (const [index, ssl] of attempts.entries()) {
    const client = new pg.Client({...clientConfig(parameters), ssl, types, pipeline: true})
    // Without a listener, a connection lost while idle would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      const tlsRefused = sqlState(error) === '28000' || /SSL|TLS|certificate|wrong version number/i.test(String(error))
      if (index < attempts.length - 1 && tlsRefused) continue
      throw cannotConnect(error, parameters, target)
    }
  }
  throw new Error('sslmode gave nothing to try')
}

function clientConfig(parameters: Parameters): ClientConfig {
  const {options, connect_timeout: timeout} = parameters
  const host = parameters.host!
  const port = Number(parameters.port ?? 5432)
  const user = parameters.user ?? userInfo().username
  const database = parameters.dbname ?? user
  return {
    host: parameters.hostaddr ?? host,
    port,
    user,
    database,
    password: parameters.password ?? (() => fromPassFile({host, port, user, database})),
    ...(options && {options}),
    ...(parameters.sslnegotiation === 'direct' && {sslnegotiation: 'direct'}),
    connectionTimeoutMillis: timeout ? Number(timeout) * 1000 : connectTimeout,
    keepAlive: true,
  } as ClientConfig
}

/** Asked for only when the server wants one. The file's lines say `localhost` for the Unix socket. */
async function fromPassFile(wanted: {host: string; port: number; user: string; database: string}): Promise<string | undefined> {
  const {default: pgpass} = await import('pgpass')
  const host = wanted.host.startsWith('/') ? 'localhost' : wanted.host
  return new Promise((resolve) => pgpass({...wanted, host}, resolve))
}

function cannotConnect(error: unknown, parameters: Parameters, target: Target): OpsError {
  const where = `${parameters.host}:${parameters.port ?? 5432}`
  const known = explain(error, 'connect')
  const said = (error as {errors?: unknown[]}).errors?.map(serverWords).join('; ') ?? serverWords(error)
  return new OpsError('CONNECT', `Cannot connect to ${where} (from ${target.source}): ${said}`, {
    exit: 4,
    suggestions: known.suggestions.length > 0 && known.code !== 'FAILED' ? known.suggestions : suggestionsFor(error),
  })
}

function suggestionsFor(error: unknown): string[] {
  const text = serverWords(error)
  if (/timeout/i.test(text)) return [`Nothing answered within ${connectTimeout / 1000} s: check the host, the port and any firewall.`]
  if (/password|SASL/i.test(text)) return ['Set PGPASSWORD or a PGPASSFILE with the right password.']
  if (/SSL|certificate/i.test(text)) return ['See sslmode and sslrootcert of the URL.']
  const [first] = (error as {errors?: unknown[]}).errors ?? []
  return first ? [...explain(first, 'connect').suggestions] : ['Is the server up, and is this its port?']
}

/** int8 as a number where it is exact, instants as text to the microsecond, numeric as text. */
const types: NonNullable<ClientConfig['types']> = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    switch (oid) {
      case 20:
        return exactInteger
      case 1184:
        return instantFromServer
      case 1114: // timestamp
      case 1082: // date
      case 1186: // interval
        return (text: string) => text
      default:
        return pg.types.getTypeParser(oid, format as 'text')
    }
  },
} as NonNullable<ClientConfig['types']>

function exactInteger(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new Error(`${text} is too large to be exact; ask for it as text`)
  return number
}

async function serve(first: pg.Client, target: Target, options: ConnectOptions, engine: EmbeddedEngine | null): Promise<Database> {
  let client = first
  const listeners = new Set<(notice: Notice) => void>()
  const listen = () =>
    client.on('notice', ({severity, code, message}) => {
      // The transaction itself reacts to a ROLLBACK outside of one. The embedded engine sends its debug log.
      if (code !== SqlState.noTransaction && !severity?.startsWith('DEBUG')) for (const tell of listeners) tell({severity: severity ?? 'NOTICE', code: code ?? '00000', message: message ?? ''})
    })
  const listening = async <T>(settings: TransactionSettings, work: () => Promise<T>): Promise<T> => {
    if (settings.onNotice) listeners.add(settings.onNotice)
    try {
      return await work()
    } finally {
      if (settings.onNotice) listeners.delete(settings.onNotice)
    }
  }
  // One session: a second transaction must wait for the first, or it would run inside of it.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work)
    turn = mine.catch(() => {})
    return mine
  }
  const transaction = <T>(settings: TransactionSettings, work: (tx: Db) => Promise<T>): Promise<T> =>
    inTurn(() => listening(settings, () => inTransaction({client: client as unknown as Pipeline, applicationName: options.applicationName, prepares, types, corrections: []}, settings, work)))
  const query = async <Row extends object>(question: Statement, settings: TransactionSettings = reading): Promise<Row[]> => {
    let rows: Promise<Row[]> = Promise.resolve([])
    // Not waited for in there: it travels with the opening and the commit.
    await transaction(settings, async (tx) => void (rows = tx.query<Row>(question)))
    return rows
  }
  // Not behind a pooler, where the next transaction may meet another session; and where nothing analyzes the tables a
  // plan would stay as it was made for empty ones.
  let prepares = false
  const ask = async (): Promise<Server> => {
    const processId = engine ? null : (client as unknown as Session).processID
    const [row] = await query<ServerRow>(statement(loadSql('catalog/server')), {...reading, statementTimeout: 10_000})
    const found = describeServer(row!, processId, engine !== null)
    prepares = !found.pooled && engine === null
    return found
  }
  listen()
  let server = await ask().catch(async (error: unknown) => {
    await client.end().catch(() => {})
    throw explain(error, 'ask the server what it is')
  })

  return {
    target,
    get server() {
      return server
    },
    query,
    transaction,
    async autocommit(settings, what) {
      if (server.pooled) return beside(target, options, settings, what)
      await inTurn(() =>
        listening(settings, async () => {
          try {
            await client.query(sessionSettings(settings, options.applicationName, []))
            await client.query(what.text, what.values.length > 0 ? [...what.values] : undefined)
          } finally {
            await client.query('reset all; reset role').catch(() => {})
          }
        }))
    },
    async probe() {
      server = await ask()
      return server
    },
    async reconnect() {
      if (engine) throw new OpsError('CONNECTION_LOST', 'The embedded engine stopped; run the command again.', {exit: 4})
      await client.end().catch(() => {})
      client = await connectServer(target.url, target)
      listen()
      server = await ask()
    },
    async another() {
      if (engine) throw usageError('ONE_SESSION', 'The embedded engine serves one session at a time.')
      return connect(target, options)
    },
    async cancel() {
      if (engine) return
      await cancelRunning(client as unknown as Session, target)
    },
    async close() {
      await client.end().catch(() => {})
      await engine?.close()
    },
  }
}

/** What node-postgres knows of its session and does not declare. */
interface Session {
  processID: number | null
  secretKey: number
}
interface Wire extends NodeJS.EventEmitter {
  connect(portOrPath: number | string, host?: string): void
  cancel(processID: number | null, secretKey: number): void
}

/** The protocol's own cancel request: it goes through a pooler, where pg_cancel_backend would hit somebody else. */
async function cancelRunning({processID, secretKey}: Session, target: Target): Promise<void> {
  const {connection, host, port} = new pg.Client({...clientConfig(connectionParameters(target.url, process.env)), ssl: false}) as unknown as {
    connection: Wire
    host: string
    port: number
  }
  const closed = new Promise<void>((resolve) => {
    connection.once('end', resolve)
    connection.once('error', () => resolve())
    setTimeout(resolve, connectTimeout).unref()
  })
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
  else connection.connect(port, host)
  connection.once('connect', () => connection.cancel(processID, secretKey))
  await closed
}

/** What a transaction pooler cannot do is done on a connection past it. */
async function beside(target: Target, options: ConnectOptions, settings: TransactionSettings, what: Statement): Promise<void> {
  if (!target.directUrl)
    throw usageError('POOLER', 'This statement needs a session of its own, and a transaction pooler stands between.', [
      'Give the target a directUrl past the pooler, or run with --url to the server itself.',
    ])
  const direct = await connect({...target, url: target.directUrl, directUrl: undefined}, options)
  try {
    if (direct.server.pooled) throw usageError('POOLER', 'The directUrl of this target leads to a transaction pooler too.')
    await direct.autocommit(settings, what)
  } finally {
    await direct.close()
  }
}
