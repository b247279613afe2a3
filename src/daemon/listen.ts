import {usageError} from '../errors.js'

/** `127.0.0.1:9847`, `[::1]:0`, `:9847` for every address of the machine, `off`. @throws OpsError LISTEN */
export function parseListen(text: string): {host: string; port: number} | null {
  if (text === 'off') return null
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535)
    throw usageError('LISTEN', `"${text}" is not a valid address.`, [
      'Write 127.0.0.1:9847, [::1]:9847, 0.0.0.0:9847 or off.',
    ])
  return {host: match[1] ?? (match[2] === '' ? '0.0.0.0' : match[2]!), port}
}

/** The loopback address to connect to if a server listens on all addresses of the family. */
const loopbacks: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/** The /readyz URL of a daemon with this address, from the same machine; undefined if it is off or the port is 0. */
export function statusUrlOf(listen: {host: string; port: number} | null): string | undefined {
  if (listen === null || listen.port === 0) return undefined
  const host = loopbacks.get(listen.host) ?? listen.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${listen.port}/readyz`
}
