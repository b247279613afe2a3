import {existsSync, readFileSync} from 'node:fs'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {checkServerIdentity, type ConnectionOptions} from 'node:tls'
import {messageOf, usageError} from '../errors.js'
import type {Environment, Parameters} from './libpq.js'

/** What to try, in order: TLS settings, or false for a connection in the clear. */
export type TlsAttempt = ConnectionOptions | false

/**
 * sslmode as libpq means it: `prefer` (the default) falls back to the clear, `require` verifies only where a root
 * certificate is there, `verify-ca` does not look at the host's name, `verify-full` does. The name is compared here,
 * because for an address Node would compare the certificate with `localhost`.
 * @throws OpsError TLS for a mode that does not exist or a certificate that cannot be read
 */
export function tlsAttempts(parameters: Parameters, env: Environment): TlsAttempt[] {
  const mode = parameters.sslmode ?? (parameters.sslrootcert === 'system' ? 'verify-full' : 'prefer')
  // libpq does no TLS over a Unix socket.
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
        throw usageError('TLS', `sslmode=${mode} needs a root certificate, and there is none.`, [
          `Put it at ${home('root.crt')}, name it as sslrootcert, or say sslrootcert=system.`,
        ])
      if (root === 'system' && mode === 'verify-ca')
        throw usageError('TLS', 'sslrootcert=system goes with sslmode=verify-full only.', [
          'Say sslmode=verify-full, or name a certificate as sslrootcert.',
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
      throw usageError('TLS', `There is no sslmode "${mode}".`, [
        'disable, allow, prefer, require, verify-ca or verify-full.',
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
      `Name a file that this user can read as ${what}.`,
    ])
  }
}
