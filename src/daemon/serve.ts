import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {messageOf, usageError} from '../errors.js'
import {isAlive, readinessOf, type Vitals} from './health.js'
import type {Metrics} from './metrics.js'

export interface HealthServer {
  /** `127.0.0.1:9847`, the port as it came to be. */
  address: string
  close(): Promise<void>
}

/** @throws OpsError LISTEN, where the address is taken or is none of this machine */
export async function serveHealth(listen: {host: string; port: number}, vitals: () => Vitals, metrics: Metrics): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, {'content-type': type, 'cache-control': 'no-store'})
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    const json = (status: number, body: object) => answer(status, 'application/json', `${JSON.stringify(body)}\n`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, {error: 'GET or HEAD'})
    const path = request.url?.split('?')[0]
    if (path === '/healthz') {
      const alive = isAlive(vitals())
      return json(alive ? 200 : 503, {alive})
    }
    if (path === '/readyz') {
      const readiness = readinessOf(vitals())
      return json(readiness.ready ? 200 : 503, readiness)
    }
    if (path === '/metrics') {
      metrics.text().then((text) => answer(200, metrics.contentType, text), (error: unknown) => json(500, {error: messageOf(error)}))
      return
    }
    json(404, {error: 'there are /healthz, /readyz and /metrics'})
  })
  // A scraper that hangs must not keep the process.
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(usageError('LISTEN', `Cannot listen on ${listen.host}:${listen.port}: ${error.code ?? error.message}.`, ['--listen <host>:<port> names another address; port 0 takes any free one, "off" none.'])))
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
