import type {Db} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement, type Statement} from '../../db/sql.js'
import {ExitCode, OpsError} from '../../errors.js'
import type {Plan} from '../../run/step.js'
import type {CandleRow} from './read-candles.js'

export interface CandleRequest {
  file: string
  coin: string
  exchange: string
  timeframe: string
  rows: readonly CandleRow[]
}

/** The result of reading a file, in addition to the plan. */
export interface CandleLoad {
  plan: Plan
  total: number
  missing: number
  newExchange: boolean
}

/**
 * Rows per statement: few enough for the server to plan quickly, enough to make the overhead of a statement negligible.
 */
const batch = 5_000

/**
 * Plans to load the candles that are not stored yet, in one transaction.
 * @throws OpsError CONTRADICTION (exit 1) if a stored candle has other values, naming both; BAD_CSV for impossible
 * candles
 */
export async function planCandles(db: Db, request: CandleRequest): Promise<CandleLoad> {
  const {file, coin, exchange, timeframe, rows} = request
  const missing: CandleRow[] = []
  for (const part of parts(rows)) {
    const byLine = new Map(part.map((row) => [row.line, row]))
    const compared = await db.query<{line: number; state: string; stored: string | null}>(
      statement(loadSql('qicore/candles/compare'), [
        coin,
        exchange,
        timeframe,
        part.map(({line}) => line),
        ...valuesOf(part),
      ]),
    )
    for (const {line, state, stored} of compared) {
      const row = byLine.get(line)!
      if (state === 'missing') missing.push(row)
      else throw contradiction(file, row, state, stored)
    }
  }
  const known = await db.query(statement('select 1 from public.exchanges where id = $1', [exchange]))
  const newExchange = known.length === 0
  const what = `candles of ${coin} on ${exchange}, ${timeframe}`
  const statements: Statement[] = [
    ...(newExchange ? [statement(loadSql('qicore/candles/exchange'), [exchange])] : []),
    ...parts(missing).map((part) =>
      statement(loadSql('qicore/candles/insert'), [
        coin,
        coin,
        exchange,
        timeframe,
        file.split('/').at(-1)!.slice(0, 100),
        ...valuesOf(part),
      ]),
    ),
  ]
  const plan: Plan = {
    operation: 'demo candles',
    summary: `load ${missing.length} ${what} from ${file}`,
    cutoff: null,
    tables: [],
    locks: [],
    steps:
      missing.length === 0
        ? []
        : [
            {
              id: `load ${file}`,
              kind: 'load',
              object: what,
              statements,
              lock: 'ROW EXCLUSIVE',
              class: 'safe',
              transaction: 'own',
              doneCheck: null,
              // A second run violates the unique constraint and changes nothing.
              repeatable: true,
              dependsOn: [],
              relations: ['public.ohlcv_data'],
              bytes: null,
            },
          ],
  }
  return {plan, total: rows.length, missing: missing.length, newExchange}
}

function* partsOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += batch) yield rows.slice(at, at + batch)
}

function parts<T>(rows: readonly T[]): (readonly T[])[] {
  return [...partsOf(rows)]
}

function valuesOf(rows: readonly CandleRow[]): string[][] {
  return (['time', 'open', 'high', 'low', 'close', 'volume'] as const).map((field) => rows.map((row) => row[field]))
}

function contradiction(file: string, row: CandleRow, state: string, stored: string | null): OpsError {
  const values = [row.open, row.high, row.low, row.close, row.volume].join(',')
  const where = `${file}:${row.line}: the candle of ${row.time} (${values})`
  if (state === 'different')
    return new OpsError('CONTRADICTION', `${where} contradicts the stored one (${stored}). Nothing was loaded.`, {
      suggestions: [
        'Load it under another --exchange or --coin, or correct the file; a stored candle is never overwritten.',
      ],
    })
  const reason =
    state === 'impossible'
      ? 'is not possible: low <= open, close <= high and volume >= 0 must hold'
      : 'has more than 8 decimal places'
  return new OpsError('BAD_CSV', `${where} ${reason}. Nothing was loaded.`, {exit: ExitCode.usage})
}
