/** Clients of node-postgres. Only this file and flight.ts import it. */
import type {Socket} from 'node:net'
import pg, {type ClientConfig} from 'pg'
import {instantFromServer} from '../units/instant.js'

export type Client = pg.Client

/** Milliseconds to wait for the server to close the connection after Terminate, before the socket is destroyed. */
const closeTimeout = 1_000

/** Type parsers: int8 as a number (an error if not exact), timestamps as text with microseconds, numeric as text. */
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
  if (!Number.isSafeInteger(number)) throw new Error(`${text} is too large to be exact as a number; cast it to text`)
  return number
}

/** A new client in pipeline mode, which sends each query at once. It is not connected yet. */
export function newClient(config: object): Client {
  return new pg.Client({...config, types, pipeline: true} as ClientConfig)
}

/** Members of node-postgres clients that its type declarations omit. */
export interface Wire {
  readonly stream: Socket
  /** Closed or closing, from either side: no query can be sent any more. */
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

const reports = new WeakMap<Client, ReadonlyMap<string, string>>()

/** The encoding of the database; null if the server has not reported it. */
export function serverEncoding(client: Client): string | null {
  return reports.get(client)?.get('server_encoding') ?? null
}

/**
 * Collects the settings that the server reports by itself (ParameterStatus). Call it before connecting, because the
 * server sends them right after authentication.
 */
export function reportedSettings(client: Client): ReadonlyMap<string, string> {
  const reported = new Map<string, string>()
  reports.set(client, reported)
  const {connection} = client as unknown as {
    connection: {
      on(event: 'parameterStatus', listener: (message: {parameterName: string; parameterValue: string}) => void): void
    }
  }
  connection.on('parameterStatus', ({parameterName, parameterValue}) => reported.set(parameterName, parameterValue))
  return reported
}

export function noAnswer(when: string): Error {
  return Object.assign(new Error(`the server did not respond ${when}`), {code: 'ETIMEDOUT'})
}

/** Sends Terminate, and destroys the socket if the server does not close the connection. */
export async function endClient(client: Client): Promise<void> {
  const {stream} = wireOf(client)
  const timer = setTimeout(() => stream.destroy(), closeTimeout)
  await client.end().catch(() => {})
  clearTimeout(timer)
}
