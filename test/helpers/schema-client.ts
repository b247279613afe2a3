import pg from 'pg'
import {releaseEngines} from './cli-hosts.js'
import {openEmbedded} from '../../src/db/embedded.js'
import {embeddedDirectory} from '../../src/db/database.js'

/** A plain node-postgres client as in an application, for a server or an embedded directory. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const directory = embeddedDirectory(url)
  await releaseEngines()
  const engine = directory === null ? null : await openEmbedded(directory, true)
  const client =
    engine === null
      ? new pg.Client(url)
      : new pg.Client({
          stream: () => engine.stream,
          user: 'postgres',
          database: 'postgres',
          ssl: false,
        } as pg.ClientConfig)
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
    await engine?.close()
  }
}
