/** Clients of node-postgres: with flight.ts the only importer of it. */
import type {Socket} from 'node:net'
import pg, {type ClientConfig} from 'pg'
import {instantFromServer} from '../units/instant.js'

export type Client = pg.Client

/** How long a server may take to acknowledge Terminate before the socket is closed. */
const closeTimeout = 1_000

/** int8 as a number where it is exact, instants as text to the microsecond, numeric as text. */
export const types: NonNullable<ClientConfig['types']> = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    switch (oid) {
      case 20:
        return exactInteger
      case 1184:
        return instantFromServer
      case 1114: // timestamp
      case 1082: // date
      case 1186: // interval
        return (text: string) => text
      default:
        return pg.types.getTypeParser(oid, format as 'text')
    }
  },
} as NonNullable<ClientConfig['types']>

function exactInteger(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new Error(`${text} is too large to be exact; ask for it as text`)
  return number
}

/** A client that sends each query at once. It is not connected yet. */
export function newClient(config: object): Client {
  return new pg.Client({...config, types, pipeline: true} as ClientConfig)
}

/** What node-postgres has and does not declare. */
export interface Wire {
  readonly stream: Socket
  /** Closed, from whichever side, or about to be: it takes no question any more. */
  readonly ended: boolean
  readonly processID: number | null
  readonly secretKey: number
}

export function wireOf(client: Client): Wire {
  const {connection, _ended, _ending, _queryable, processID, secretKey} = client as unknown as {
    connection: {stream: Socket}
    _ended: boolean
    _ending: boolean
    _queryable: boolean
    processID: number | null
    secretKey: number
  }
  return {stream: connection.stream, ended: _ended || _ending || !_queryable, processID, secretKey}
}

/**
 * Collects the settings that a server reports without being asked (ParameterStatus). To be called before it connects:
 * a server sends them with the answer to the password.
 */
export function reportedSettings(client: Client): ReadonlyMap<string, string> {
  const reported = new Map<string, string>()
  const {connection} = client as unknown as {
    connection: {
      on(event: 'parameterStatus', listener: (message: {parameterName: string; parameterValue: string}) => void): void
    }
  }
  connection.on('parameterStatus', ({parameterName, parameterValue}) => reported.set(parameterName, parameterValue))
  return reported
}

export function noAnswer(when: string): Error {
  return Object.assign(new Error(`the server gave no answer ${when}`), {code: 'ETIMEDOUT'})
}

/** Sends Terminate, and closes the socket if the server does not answer. */
export async function endClient(client: Client): Promise<void> {
  const {stream} = wireOf(client)
  const timer = setTimeout(() => stream.destroy(), closeTimeout)
  await client.end().catch(() => {})
  clearTimeout(timer)
}
