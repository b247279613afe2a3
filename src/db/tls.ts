import {existsSync, readFileSync} from 'node:fs'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {checkServerIdentity, type ConnectionOptions} from 'node:tls'
import {messageOf, usageError} from '../errors.js'
import type {Environment, Parameters} from './libpq.js'

/** One attempt to connect: TLS options, or false for a connection without TLS. */
export type TlsAttempt = ConnectionOptions | false

/**
 * The attempts for an sslmode, as in libpq: `prefer` (the default) falls back to no TLS, `require` verifies only if
 * there is a root certificate, `verify-ca` does not check the host name, `verify-full` does. The name is checked here,
 * because for an IP address Node would compare the certificate with `localhost`.
 * @throws OpsError TLS for an unknown mode or a certificate that cannot be read
 */
export function tlsAttempts(parameters: Parameters, env: Environment): TlsAttempt[] {
  const mode = parameters.sslmode ?? (parameters.sslrootcert === 'system' ? 'verify-full' : 'prefer')
  // libpq does not use TLS over a Unix socket.
  if (parameters.host?.startsWith('/')) return [false]
  if (mode === 'disable') return [false]
  const home = (file: string) => join(env.HOME ?? homedir(), '.postgresql', file)
  const root = parameters.sslrootcert ?? (existsSync(home('root.crt')) ? home('root.crt') : undefined)
  const ca = root && root !== 'system' ? read('sslrootcert', root) : undefined
  const cert = optional('sslcert', parameters.sslcert, home('postgresql.crt'))
  const key = optional('sslkey', parameters.sslkey, home('postgresql.key'))
  const common: ConnectionOptions = {
    ...(ca !== undefined && {ca}),
    ...(cert !== undefined && {cert}),
    ...(key !== undefined && {key}),
    ...(parameters.sslpassword !== undefined && {passphrase: parameters.sslpassword}),
  }
  const unverified: TlsAttempt = {...common, rejectUnauthorized: false}
  const chainOnly: TlsAttempt = {...common, rejectUnauthorized: true, checkServerIdentity: () => undefined}
  switch (mode) {
    case 'allow':
      return [false, unverified]
    case 'prefer':
      return [unverified, false]
    case 'require':
      return [ca === undefined ? unverified : chainOnly]
    case 'verify-ca':
    case 'verify-full':
      if (root === undefined)
        throw usageError('TLS', `sslmode=${mode} needs a root certificate, but there is none.`, [
          `Put it at ${home('root.crt')}, set sslrootcert to its file, or set sslrootcert=system.`,
        ])
      if (root === 'system' && mode === 'verify-ca')
        throw usageError('TLS', 'sslrootcert=system requires sslmode=verify-full.', [
          'Set sslmode=verify-full, or set sslrootcert to the file of a certificate.',
        ])
      return [
        mode === 'verify-ca'
          ? chainOnly
          : {
              ...common,
              rejectUnauthorized: true,
              checkServerIdentity: (_, cert) => checkServerIdentity(parameters.host!, cert),
            },
      ]
    default:
      throw usageError('TLS', `"${mode}" is not a value of sslmode.`, [
        'Use disable, allow, prefer, require, verify-ca or verify-full.',
      ])
  }
}

function optional(what: string, named: string | undefined, fallback: string): string | undefined {
  if (named) return read(what, named)
  return existsSync(fallback) ? read(what, fallback) : undefined
}

function read(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw usageError('TLS', `${what} cannot be read: ${messageOf(error)}.`, [
      `Set ${what} to a file that this user can read.`,
    ])
  }
}
