import type {Command} from '@oclif/core'
import type {Database} from '../db/database.js'
import {ReportCommand} from './report-command.js'
import {command} from '../units/command.js'

/** The client of price queries: anything with the `query` method of a node-postgres client. */
export interface Asks {
  query(config: {text: string; values: unknown[]}): Promise<{rows: unknown[]}>
}

/** The fields that every price report starts with. */
export interface PricesHead {
  version: 1
  target: string
  at: string
  /** Why requested prices are missing, and which command finds some. */
  notes: string[]
}

export abstract class PricesCommand<T extends typeof Command> extends ReportCommand<T> {
  /** Runs queries in read-only transactions, which also work through a transaction pooler. */
  protected async ask<R>(work: (client: Asks, head: Omit<PricesHead, 'notes'>) => Promise<R>): Promise<R> {
    const [{statement}, {usageError}, {sqlState, SqlState}] = await Promise.all([
      import('../db/sql.js'),
      import('../errors.js'),
      import('../db/sqlstate.js'),
    ])
    return this.withDatabase(
      async (db: Database) => {
        const client: Asks = {
          query: async ({text, values}) => ({rows: await db.query(statement(text, values as string[]))}),
        }
        try {
          return await work(client, await this.reportHead(db))
        } catch (error) {
          if (sqlState(error) !== SqlState.undefinedTable) throw error
          throw usageError('NO_TABLE', 'This database has no table public.crypto_prices.', [
            `Create the tables: ${command('migrate up')}`,
            `Or try it with sample data: ${command('demo')}`,
          ])
        }
      },
      {rows: true},
    )
  }
}
