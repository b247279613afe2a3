import {createHash, timingSafeEqual} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {isIPv4} from 'node:net'
import {messageOf, usageError} from '../errors.js'

/** Characters. A token is sent with every request, so guessing must be hopeless. */
const shortestToken = 16

/**
 * The token that the pages require, from a file or from QICORE_DAEMON_TOKEN; null if neither is given.
 * @throws OpsError TOKEN
 */
export function readToken(file: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const text = file === undefined ? env.QICORE_DAEMON_TOKEN : contentOf(file)
  if (text === undefined || (file === undefined && text === '')) return null
  const token = text.trim()
  if (token.length >= shortestToken && /^[\x21-\x7e]+$/.test(token)) return token
  throw usageError(
    'TOKEN',
    `The token of ${file ?? 'QICORE_DAEMON_TOKEN'} must have at least ${shortestToken} printable ASCII characters ` +
      'without spaces.',
    ['Make one: openssl rand -hex 24'],
  )
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw usageError('TOKEN', `${file} cannot be read: ${messageOf(error)}.`)
  }
}

/**
 * Protects a loopback address against DNS rebinding: a web page can point its own host name at 127.0.0.1, but its
 * requests carry that name in the Host header. Other addresses may have any name in their network.
 */
export function hostCheck(listens: string): (host: string | undefined) => boolean {
  if (!isLoopback(listens)) return () => true
  return (host) => host === undefined || isLoopback(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))
}

export function isLoopback(name: string): boolean {
  return name.toLowerCase() === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/**
 * Whether an Authorization header has the token: `Bearer <token>`, or `Basic` with the token as password, which a
 * browser asks for.
 */
export function hasToken(authorization: string | undefined, token: string): boolean {
  const [scheme = '', value = ''] = authorization?.split(/ +/) ?? []
  if (scheme.toLowerCase() === 'bearer') return same(value, token)
  if (scheme.toLowerCase() !== 'basic') return false
  return same(
    Buffer.from(value, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, ''),
    token,
  )
}

/** Compares hashes, which have the same length, in constant time. */
function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
