import {createServer} from 'node:http'
import {isIPv4, type AddressInfo} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {messageOf, usageError} from '../errors.js'
import {isAlive, readinessOf, type HealthState} from './health.js'
import type {Metrics} from './metrics.js'

export interface HealthServer {
  /** `127.0.0.1:9847`, with the port that was bound. */
  address: string
  close(): Promise<void>
}

export interface Watched {
  health(): HealthState
  /** Resolves when the state of the ledger in `health` is at most `maxAge` milliseconds old. */
  check(maxAge: number): Promise<void>
}

/** The greatest age of the ledger's state in /readyz, in milliseconds. */
const freshFor = 5_000
/** Milliseconds. Probes usually time out after a second or two; if the ledger takes longer, it is not ready. */
const checkTimeout = 800
/** The most requests on one connection, pipelined ones included: they share the thread with the scheduler. */
const mostRequests = 100
const mostConnections = 50

/** @throws OpsError LISTEN if the address is in use or is not an address of this machine */
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
      return json(403, {error: 'only this machine may use this address: use localhost or 127.0.0.1 as the host'})
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
    json(404, {error: 'not found: use /healthz, /readyz or /metrics'})
  })
  // A hanging client must not keep the process alive.
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5_000
  server.maxRequestsPerSocket = mostRequests
  server.maxConnections = mostConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        usageError('LISTEN', `Cannot listen on ${listen.host}:${listen.port}: ${error.code ?? error.message}.`, [
          'Use --listen <host>:<port> for another address; port 0 takes any free port, "off" disables the server.',
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
 * Protects a loopback address against DNS rebinding: a web page can point its own host name at 127.0.0.1, but its
 * requests carry that name in the Host header. Other addresses may have any name in their network.
 */
function hostCheck(listens: string): (host: string | undefined) => boolean {
  if (!isLoopback(listens)) return () => true
  return (host) => host === undefined || isLoopback(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))
}

function isLoopback(name: string): boolean {
  return name.toLowerCase() === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}
