import {createConnection, createServer, type AddressInfo, type Socket} from 'node:net'

/** A network between clients and a server that can be broken in the ways networks break. */
export interface FaultyRelay {
  /** The URL with this relay in the server's place. */
  url: string
  /** From now on nothing comes through in either direction, and no socket is closed; new ones are taken and led nowhere. */
  silence(): void
  /** New connections are closed at once; those that are there work. */
  refuseNew(): void
  /** Closes every client's side; the server goes on, hears nothing of it, and what it was told is done. */
  cut(): void
  /** As at the beginning, for new connections; what was silenced stays so. */
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
