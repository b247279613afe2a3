import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {getRequestListener} from '@hono/node-server'
import {usageError} from '../errors.js'
import {routes, type Served} from './routes.js'

export interface HttpServer {
  /** `127.0.0.1:9847`, with the port that was bound. */
  address: string
  close(): Promise<void>
}

/** The most requests on one connection, pipelined ones included: they share the thread with the scheduler. */
const mostRequests = 100
const mostConnections = 50

/** @throws OpsError LISTEN if the address is in use or is not an address of this machine */
export async function serve(listen: {host: string; port: number}, served: Served): Promise<HttpServer> {
  // Other code of the process uses Node's Request and Response.
  const server = createServer(getRequestListener(routes(listen.host, served).fetch, {overrideGlobalObjects: false}))
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
