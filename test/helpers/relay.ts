import {createConnection, createServer, type AddressInfo} from 'node:net'

export interface Relay {
  /** The URL of this relay, to be used instead of the server's. */
  url: string
  /** How often a client sent something after the server had answered, since the last call: round trips. */
  ways(): number
  close(): Promise<void>
}

/** Milliseconds by which an answer is delayed: what is sent within them was sent without waiting for the answer. */
const delay = 30

/** A relay between one client and a server that counts round trips. */
export async function startRelay(to: string): Promise<Relay> {
  const target = new URL(to)
  let ways = 0
  const relay = createServer((client) => {
    const server = createConnection(Number(target.port), target.hostname)
    let answered = true
    client.on('data', (bytes) => {
      if (answered) ways += 1
      answered = false
      server.write(bytes)
    })
    server.on(
      'data',
      (bytes) =>
        void setTimeout(() => {
          answered = true
          client.write(bytes)
        }, delay),
    )
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('close', () => other.destroy()).on('error', () => {})
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const url = new URL(to)
  url.hostname = '127.0.0.1'
  url.port = String((relay.address() as AddressInfo).port)
  url.searchParams.set('sslmode', 'disable')
  return {
    url: url.href,
    ways() {
      const counted = ways
      ways = 0
      return counted
    },
    close: () => new Promise((resolve) => relay.close(() => resolve())),
  }
}
