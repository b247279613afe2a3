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

/** The address of this machine that stands for all addresses of a family. */
const loopbacks: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/**
 * Where the readiness of a daemon that listens there can be read from the same machine; undefined where it cannot be
 * known.
 */
export function statusUrlOf(listen: {host: string; port: number} | null): string | undefined {
  if (listen === null || listen.port === 0) return undefined
  const host = loopbacks.get(listen.host) ?? listen.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${listen.port}/readyz`
}
