import {createConnection, createServer, type AddressInfo, type Socket} from 'node:net'

/** A network between clients and a server that can fail in the ways in which networks fail. */
export interface FaultyRelay {
  /** The URL of this relay, to be used instead of the server's. */
  url: string
  /** Blocks both directions without closing a socket; new connections are accepted and get no answer. */
  silence(): void
  /** Closes new connections at once; existing ones work. */
  refuseNew(): void
  /** Closes every client's side. The server does not notice, and finishes what was sent to it. */
  cut(): void
  /** Works normally again for new connections; silenced ones stay silent. */
  repair(): void
  close(): Promise<void>
}

export async function startFaultyRelay(to: string): Promise<FaultyRelay> {
  const target = new URL(to)
  let mode: 'whole' | 'silent' | 'refusing' = 'whole'
  const pairs = new Set<{client: Socket; server: Socket | null; silent: boolean}>()
  const relay = createServer((client) => {
    if (mode === 'refusing') return void client.destroy()
    const pair = {
      client,
      server: mode === 'silent' ? null : createConnection(Number(target.port), target.hostname),
      silent: mode === 'silent',
    }
    const {server} = pair
    pairs.add(pair)
    client.on('error', () => {}).on('data', (bytes) => !pair.silent && server?.write(bytes))
    // A socket that was cut or silenced on one side stays open on the other.
    client.on('close', () => !pair.silent && server?.destroy())
    server
      ?.on('error', () => {})
      .on('data', (bytes) => !pair.silent && client.write(bytes))
      .on('close', () => !pair.silent && client.destroy())
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const url = new URL(to)
  url.hostname = '127.0.0.1'
  url.port = String((relay.address() as AddressInfo).port)
  url.searchParams.set('sslmode', 'disable')
  return {
    url: url.href,
    silence() {
      mode = 'silent'
      for (const pair of pairs) pair.silent = true
    },
    refuseNew: () => void (mode = 'refusing'),
    cut() {
      for (const pair of pairs) {
        pair.silent = true
        pair.client.destroy()
      }
    },
    repair: () => void (mode = 'whole'),
    async close() {
      for (const {client, server} of pairs) {
        client.destroy()
        server?.destroy()
      }
      await new Promise<void>((resolve) => relay.close(() => resolve()))
    },
  }
}
