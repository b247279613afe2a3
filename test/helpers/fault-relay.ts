import {createConnection, createServer, type AddressInfo} from 'node:net'

export interface FaultRelay {
  /** The URL of this relay, to be used instead of the server's. */
  url: string
  /** Makes the n-th statement from now on, counted from 1, fail on the server. */
  failAt(nth: number): void
  /** Whether the statement that should fail was sent. */
  failed(): boolean
  /** Statements sent since the last call. */
  count(): number
  close(): Promise<void>
}

/**
 * A relay between one client and a server that replaces the n-th statement by one that fails, in the simple or the
 * extended protocol; a named prepared statement counts when it is bound.
 */
export async function startFaultRelay(to: string): Promise<FaultRelay> {
  const target = new URL(to)
  let seen = 0
  let counted = 0
  let failing: number | null = null
  const next = () => {
    seen += 1
    counted += 1
    return failing !== null && seen === failing
  }
  const relay = createServer((client) => {
    const server = createConnection(Number(target.port), target.hostname)
    const frames = framer()
    let parsedNow = false
    const rewrite = (frame: Buffer): Buffer => {
      const type = String.fromCharCode(frame[0]!)
      if (type === 'Q') return next() ? message('Q', 'select injected_fault()\0') : frame
      if (type === 'P') {
        parsedNow = true
        const name = frame.subarray(5, frame.indexOf(0, 5)).toString()
        return next() ? message('P', `${name}\0select injected_fault()\0\0\0`) : frame
      }
      if (type !== 'B') return frame
      const again = !parsedNow
      parsedNow = false
      // Binds a statement that does not exist, named after the fault.
      return again && next() ? message('B', '\0injected_fault\0\0\0\0\0\0\0') : frame
    }
    client.on('data', (bytes) =>
      server.write(Buffer.concat(frames(bytes).map((frame) => (frame.startup ? frame.bytes : rewrite(frame.bytes))))),
    )
    server.on('data', (bytes) => client.write(bytes))
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
    failAt(nth) {
      seen = 0
      failing = nth
    },
    failed() {
      const did = failing !== null && seen >= failing
      failing = null
      return did
    },
    count() {
      const since = counted
      counted = 0
      return since
    },
    close: () => new Promise((resolve) => relay.close(() => resolve())),
  }
}

function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1')
  bytes.writeUInt32BE(bytes.length - 1, 1)
  return bytes
}

/** Complete messages of the frontend protocol: the first has no type byte. */
function framer(): (bytes: Buffer) => {startup: boolean; bytes: Buffer}[] {
  let rest = Buffer.alloc(0)
  let started = false
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const found: {startup: boolean; bytes: Buffer}[] = []
    for (;;) {
      const head = started ? 1 : 0
      if (rest.length < head + 4) return found
      const length = head + rest.readUInt32BE(head)
      if (rest.length < length) return found
      found.push({startup: !started, bytes: rest.subarray(0, length)})
      rest = rest.subarray(length)
      started = true
    }
  }
}
