import {randomBytes} from 'node:crypto'
import pg from 'pg'
import {runMigrations} from '../src/index.js'

/** Databases of one benchmark on the server that QICORE_TEST_URL names, with QiCore's tables in them. */
export class BenchDatabases {
  private readonly server: string
  private readonly made: {name: string; client: pg.Client}[] = []

  constructor() {
    const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
    if (!server) throw new Error('QICORE_TEST_URL names the server to measure on.')
    this.server = server
  }

  async create(): Promise<pg.Client> {
    const name = `qicore_bench_${randomBytes(6).toString('hex')}`
    await this.admin(`create database ${name}`)
    const url = new URL(this.server)
    url.pathname = `/${name}`
    const client = new pg.Client(url.href)
    client.on('error', () => {})
    this.made.push({name, client})
    await runMigrations(url.href)
    await client.connect()
    await client.query("set timezone = 'UTC'")
    return client
  }

  async drop(): Promise<void> {
    for (const {name, client} of this.made) {
      await client.end().catch(() => {})
      await this.admin(`drop database if exists ${name} with (force)`)
    }
  }

  private async admin(text: string): Promise<void> {
    const client = new pg.Client(this.server)
    await client.connect()
    await client.query(text).finally(() => client.end())
  }
}
