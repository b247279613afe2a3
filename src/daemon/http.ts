import {createServer} from 'node:http'
import {isIPv4, type AddressInfo} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {messageOf, usageError} from '../errors.js'
import {isAlive, readinessOf, type HealthState} from './health.js'
import type {Metrics} from './metrics.js'

export interface HealthServer {
  /** `127.0.0.1:9847`, the port as it came to be. */
  address: string
  close(): Promise<void>
}

export interface Watched {
  health(): HealthState
  /** Resolves once what the vitals say of the ledger is no older than so many milliseconds. */
  check(maxAge: number): Promise<void>
}

/** What /readyz says of the ledger is no older than this, in milliseconds. */
const freshFor = 5_000
/** A probe waits a second or two for its answer: a ledger that takes longer is not ready. */
const checkTimeout = 800
/** Requests on one connection, pipelined ones above all: the daemon's own work shares their thread. */
const mostRequests = 100
const mostConnections = 50

/** @throws OpsError LISTEN, where the address is taken or is none of this machine */
export async function serveHealth(
  listen: {host: string; port: number},
  {health, check}: Watched,
  metrics: Metrics,
): Promise<HealthServer> {
  const isServed = hostCheck(listen.host)
  const readiness = async () => {
    const answered = await Promise.race([check(freshFor).then(() => true), sleep(checkTimeout, false, {ref: false})])
    const known = readinessOf(health())
    if (answered || !known.ready) return known
    return {ready: false, problems: [`the ledger has not answered within ${checkTimeout / 1000} s`]}
  }
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, {'content-type': type, 'cache-control': 'no-store'})
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    const json = (status: number, body: object) => answer(status, 'application/json', `${JSON.stringify(body)}\n`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, {error: 'GET or HEAD'})
    if (!isServed(request.headers.host))
      return json(403, {error: 'this address is served to this machine only: ask for localhost or 127.0.0.1'})
    const path = request.url?.split('?')[0]
    if (path === '/healthz') {
      const alive = isAlive(health())
      return json(alive ? 200 : 503, {alive})
    }
    if (path === '/readyz') {
      readiness().then(
        (known) => json(known.ready ? 200 : 503, known),
        (error: unknown) => json(500, {error: messageOf(error)}),
      )
      return
    }
    if (path === '/metrics') {
      metrics.text().then(
        (text) => answer(200, metrics.contentType, text),
        (error: unknown) => json(500, {error: messageOf(error)}),
      )
      return
    }
    json(404, {error: 'there are /healthz, /readyz and /metrics'})
  })
  // A scraper that hangs must not keep the process.
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5_000
  server.maxRequestsPerSocket = mostRequests
  server.maxConnections = mostConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        usageError('LISTEN', `Cannot listen on ${listen.host}:${listen.port}: ${error.code ?? error.message}.`, [
          '--listen <host>:<port> names another address; port 0 takes any free one, "off" none.',
        ]),
      ),
    )
    server.listen(listen.port, listen.host, resolve)
  })
  server.unref()
  const {address, family, port} = server.address() as AddressInfo
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/**
 * A page in a browser on this machine can make a name of its own lead to a loopback address and read what is served
 * there; its requests carry that name. On other addresses names are for the network to give.
 */
function hostCheck(listens: string): (host: string | undefined) => boolean {
  if (!isLoopback(listens)) return () => true
  return (host) => host === undefined || isLoopback(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))
}

function isLoopback(name: string): boolean {
  return name.toLowerCase() === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}
