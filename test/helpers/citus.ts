import {createConnection, createServer, type AddressInfo, type Socket} from 'node:net'
import {connect} from '../../src/db/connect.js'
import {statement} from '../../src/db/sql.js'
import type {TestDatabase} from './engines.js'
import {applicationName, createDatabase, targetOf, urlOfDatabase, writing} from './server.js'

/** A database on a coordinator of Citus, distributed over two workers; the second one can be made unreachable. */
export interface Cluster extends TestDatabase {
  /** URLs of the same database on the workers. */
  workers: readonly [string, string]
  /** `127.0.0.1:5541`, as Citus knows them. */
  nodes: readonly [string, string]
  loseSecondWorker(): Promise<void>
  findSecondWorker(): Promise<void>
  close(): Promise<void>
}

/** URLs of a coordinator and two workers that no cluster uses yet in the database that the test creates. */
export const clusterUrls = process.env.QICORE_TEST_CITUS?.split(/\s+/).filter(Boolean) ?? []

export const noCluster = 'QICORE_TEST_CITUS names no cluster: the URLs of a coordinator and two workers'

export async function createCluster(): Promise<Cluster> {
  const [coordinator, ...others] = clusterUrls as [string, string, string]
  const database = await createDatabase(coordinator, {name: 'citus'})
  const name = new URL(database.url).pathname.slice(1)
  const workers = others.map((url) => urlOfDatabase(url, name)) as [string, string]
  for (const [index, url] of workers.entries()) {
    await onServer(others[index]!, `create database "${name}"`)
    await onServer(url, 'create extension citus')
  }
  const relay = await startSwitch(workers[1])
  const db = await connect(targetOf(database.url), {applicationName})
  const autocommit = (text: string) => db.autocommit(writing, statement(text))
  const [first, second] = [portOf(workers[0]), relay.port]
  await autocommit(`select citus_set_coordinator_host('127.0.0.1', ${portOf(coordinator)})`)
  for (const port of [first, second]) await autocommit(`select citus_add_node('127.0.0.1', ${port})`)
  await db.probe()
  return {
    db,
    url: database.url,
    target: targetOf(database.url),
    workers,
    nodes: [`127.0.0.1:${first}`, `127.0.0.1:${second}`],
    run: (text, values = []) =>
      db.transaction(writing, (tx) => tx.query(typeof text === 'string' ? statement(text, values) : text)),
    autocommit,
    loseSecondWorker: () => relay.off(),
    findSecondWorker: () => relay.on(),
    async close() {
      await db.close()
      await database.drop()
      await relay.off()
      for (const url of others) await onServer(url, `drop database if exists "${name}" with (force)`)
    },
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port || 5432)
}

export async function onServer(url: string, text: string): Promise<void> {
  const db = await connect(targetOf(url), {applicationName})
  try {
    await db.autocommit(writing, statement(text))
  } finally {
    await db.close()
  }
}

/** A relay to a server that can be switched off: connections are refused then, as by a server that has stopped. */
async function startSwitch(to: string): Promise<{port: number; on(): Promise<void>; off(): Promise<void>}> {
  const sockets = new Set<Socket>()
  const relay = createServer((client) => {
    const server = createConnection(portOf(to), new URL(to).hostname)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
    }
  })
  const listen = (port: number) => new Promise<void>((resolve) => relay.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const {port} = relay.address() as AddressInfo
  return {
    port,
    on: () => listen(port),
    off: () =>
      new Promise((resolve) => {
        relay.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
