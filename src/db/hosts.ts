/** Several hosts in one address, as libpq takes them: which of them to try, and which of them to accept. */
import {usageError} from '../errors.js'
import {localServer, type Parameters} from './libpq.js'

/** libpq's target_session_attrs: what a server must be so that its session is taken. */
export const sessionAttributes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type SessionAttributes = (typeof sessionAttributes)[number]

/** What a session is by what its server says of it. */
export interface SessionState {
  inRecovery: boolean
  /** Its transactions are read-only unless they ask for more; always so in recovery. */
  readOnly: boolean
}

/** The parameters of one host of an address. */
export interface HostParameters {
  /** Its place in the list, counted from 0; the same however the list is shuffled. */
  index: number
  parameters: Parameters
}

/**
 * One entry for each host, in the order to try them in: as listed, or shuffled where load_balance_hosts is `random`.
 * @param parameters host, hostaddr and port may be lists with commas; one port is the port of all hosts
 * @throws OpsError BAD_URL where the lists are not of one length, or a setting is none of libpq's
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
  return usageError('BAD_URL', `The address lists ${what}.`, [
    'List as many of each, or one port for all hosts: postgres://role@db1:5432,db2:5432/database',
  ])
}

function balanced({load_balance_hosts: asked = 'disable'}: Parameters): boolean {
  if (asked !== 'disable' && asked !== 'random')
    throw usageError('BAD_URL', `There is no load_balance_hosts "${asked}".`, ['disable or random.'])
  return asked === 'random'
}

/** Fisher and Yates: every order is as likely as any other. */
function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items]
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!]
  }
  return mixed
}

/** @throws OpsError BAD_URL for a value that libpq does not have */
export function wantedAttributes({target_session_attrs: asked = 'any'}: Parameters): SessionAttributes {
  const wanted = sessionAttributes.find((known) => known === asked)
  if (wanted === undefined)
    throw usageError('BAD_URL', `There is no target_session_attrs "${asked}".`, [
      `Known are ${sessionAttributes.join(', ')}.`,
    ])
  return wanted
}

/** Why a session is not the one that was asked for, as a clause about its server; null where it is. */
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
