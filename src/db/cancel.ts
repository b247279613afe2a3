import {createConnection} from 'node:net'

/** Where a session is and what the protocol's cancel request names it by. */
export interface CancelKey {
  host: string
  port: number
  processID: number
  secretKey: number
}

/** The number of a cancel request in the place of a protocol version. */
const cancelRequest = 80_877_102

/**
 * Sends the protocol's own cancel request: it goes through a pooler, where pg_cancel_backend would hit another client's
 * statement. Resolves once the server has closed the connection, at the latest after the deadline; a request that
 * cannot be delivered is not reported, because whether the statement ended is seen at the statement.
 * @param deadline milliseconds
 */
export function sendCancel({host, port, processID, secretKey}: CancelKey, deadline: number): Promise<void> {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(cancelRequest, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey, 12)
  return new Promise((resolve) => {
    const socket = host.startsWith('/') ? createConnection(`${host}/.s.PGSQL.${port}`) : createConnection(port, host)
    const timer = setTimeout(() => socket.destroy(), deadline)
    // Left open until the other side closes it: PgBouncer drops the request of a client that has closed its own half.
    socket.once('connect', () => socket.write(message))
    socket.on('error', () => {})
    // Read, or its end is never seen.
    socket.resume()
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
