/** Several hosts in one URL, as in libpq: the order in which to try them, and which sessions to accept. */
import {usageError} from '../errors.js'
import {localServer, type Parameters} from './libpq.js'

/** The values of libpq's target_session_attrs: the property that a session must have to be accepted. */
export const sessionAttributes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type SessionAttributes = (typeof sessionAttributes)[number]

/** The properties of a session as its server reports them. */
export interface SessionState {
  inRecovery: boolean
  /** Transactions are read-only by default; always true in recovery. */
  readOnly: boolean
}

/** The connection parameters of one host. */
export interface HostParameters {
  /** The index in the list, counted from 0; independent of shuffling. */
  index: number
  parameters: Parameters
}

/**
 * One entry for each host, in the order to try them: as listed, or shuffled if load_balance_hosts is `random`.
 * @param parameters host, hostaddr and port may be comma-separated lists; a single port applies to all hosts
 * @throws OpsError BAD_URL if the lists differ in length, or for an unknown value of load_balance_hosts
 */
export function hostsOf(parameters: Parameters): HostParameters[] {
  const names = listOf(parameters.host)
  const addresses = parameters.hostaddr === undefined ? null : listOf(parameters.hostaddr)
  const ports = parameters.port === undefined ? [''] : listOf(parameters.port)
  if (addresses !== null && addresses.length !== names.length)
    throw badHosts(`${count(addresses.length, 'address', 'es')} (hostaddr) for ${count(names.length, 'host')}`)
  if (ports.length !== 1 && ports.length !== names.length)
    throw badHosts(`${count(ports.length, 'port')} for ${count(names.length, 'host')}`)
  const hosts = names.map((name, index) => {
    const port = (ports.length === 1 ? ports[0] : ports[index]) || '5432'
    const {hostaddr: _, ...rest} = parameters
    const address = addresses?.[index]
    const host = name || address || localServer(port)
    return {index, parameters: {...rest, host, port, ...(address && {hostaddr: address})}}
  })
  return balanced(parameters) ? shuffled(hosts) : hosts
}

const listOf = (text: string | undefined): string[] => (text ?? '').split(',').map((item) => item.trim())

const count = (n: number, noun: string, plural = 's') => `${n} ${noun}${n === 1 ? '' : plural}`

function badHosts(what: string) {
  return usageError('BAD_URL', `The URL lists ${what}.`, [
    'List the same number of each, or one port for all hosts: postgres://role@db1:5432,db2:5432/database',
  ])
}

function balanced({load_balance_hosts: asked = 'disable'}: Parameters): boolean {
  if (asked !== 'disable' && asked !== 'random')
    throw usageError('BAD_URL', `"${asked}" is not a value of load_balance_hosts.`, ['Use disable or random.'])
  return asked === 'random'
}

/** Fisher-Yates shuffle: every order is equally likely. */
function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items]
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!]
  }
  return mixed
}

/** The value of target_session_attrs, by default `any`. @throws OpsError BAD_URL for an unknown value */
export function wantedAttributes({target_session_attrs: asked = 'any'}: Parameters): SessionAttributes {
  const wanted = sessionAttributes.find((known) => known === asked)
  if (wanted === undefined)
    throw usageError('BAD_URL', `"${asked}" is not a value of target_session_attrs.`, [
      `Use one of ${sessionAttributes.join(', ')}.`,
    ])
  return wanted
}

/** Why a session does not match target_session_attrs, as a clause about its server; null if it matches. */
export function mismatch(wanted: SessionAttributes, {inRecovery, readOnly}: SessionState): string | null {
  const standby = 'it is a standby (in recovery)'
  switch (wanted) {
    case 'any':
      return null
    case 'read-write':
      if (inRecovery) return standby
      return readOnly ? 'its sessions are read-only (default_transaction_read_only is on)' : null
    case 'read-only':
      return inRecovery || readOnly ? null : 'its sessions are read-write'
    case 'primary':
      return inRecovery ? standby : null
    case 'standby':
    case 'prefer-standby':
      return inRecovery ? null : 'it is a primary (not in recovery)'
  }
}
