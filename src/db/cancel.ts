import {createConnection} from 'node:net'

/** The address of a session and the key that identifies it in a cancel request. */
export interface CancelKey {
  host: string
  port: number
  processID: number
  secretKey: number
}

/** The code of a cancel request, sent in place of the protocol version. */
const cancelRequest = 80_877_102

/**
 * Sends a cancel request of the protocol. It works through a pooler, where pg_cancel_backend could hit another client's
 * statement. Resolves when the server has closed the connection, or after the deadline. Never rejects: only the
 * statement itself shows whether it was cancelled.
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
    // Not half-closed: PgBouncer drops the request of a client that has closed its side of the socket.
    socket.once('connect', () => socket.write(message))
    socket.on('error', () => {})
    // Without reading, the end of the stream is never seen.
    socket.resume()
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
