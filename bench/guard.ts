/**
 * The cost of the trigger on crypto_prices for writers: an hour of minutes of 200 series, in statements of 10 000 and
 * of 1000 rows and by COPY, against the same table without a trigger and with a row trigger that runs one query per
 * row. Each has a database of its own that grows at the same rate. COPY inserts rows one by one as soon as the table
 * has a trigger with a transition table, whatever the trigger does. Needs QICORE_TEST_URL; drops its databases at the
 * end.
 */
import type pg from 'pg'
import {createTrigger} from '../src/schema/generate/table.js'
import {cryptoPrices} from '../src/qicore/tables/crypto-prices.js'
import {copyFrom} from '../test/helpers/copy.js'
import {BenchDatabases} from './database.js'
import {race, report} from './measure.js'

const rounds = Number(process.env.ROUNDS ?? 5)
const series = 200
const rows = series * 60
const columns = 'coin_id, symbol, name, exchange_id, usd_price, time, last_updated, source, attribution'
const start = Date.parse('2026-03-02T00:00:00Z')

const rowTrigger = `
  create function public.ask_a_row() returns trigger language plpgsql as $$
  begin
    if exists (
      select from public.crypto_prices p
      where p.coin_id = new.coin_id and p.exchange_id = new.exchange_id and p.time >= new.time - interval '1 hour' and p.time <= new.time
        and (new.usd_price > 1.5 * p.usd_price or new.usd_price < 0.5 * p.usd_price)
    ) then
      raise warning 'more than 50 %% away';
    end if;
    return new;
  end $$;
  create trigger ask_a_row before insert on public.crypto_prices for each row execute function public.ask_a_row()`
const guard = cryptoPrices.triggers!.map((trigger) => createTrigger(cryptoPrices, trigger)).join(';')
const noTrigger =
  'drop trigger crypto_price_validation_trigger on public.crypto_prices; drop trigger crypto_price_validation_update_trigger on public.crypto_prices'

/** Writes one hour after another in the order of a feed: minute by minute. */
class Writer {
  private hour = 0
  constructor(private readonly client: pg.Client) {}

  async prepare(): Promise<void> {
    // The rows are generated before the clock starts, so that only writing is measured.
    await this.client.query(`create unlogged table public.feed as
      select n, 'coin' || n % ${series / 4} as coin, (array['binance', 'coinbase', 'kraken', 'bitstamp'])[n % 4 + 1] as exchange, n / ${series} as minute, 100 + n % 7 as price
      from generate_series(0, ${rows - 1}) n; create index on public.feed (n); analyze public.feed`)
    if ((await this.client.query("select from pg_extension where extname = 'timescaledb'")).rowCount === 0)
      await this.client.query("select public.create_monthly_partition('public.crypto_prices', '2026-03-01')")
    for (let hour = 0; hour < 3; hour += 1) await this.statements(rows)
    await this.client.query('analyze public.crypto_prices')
  }

  async statements(size: number, count = rows): Promise<void> {
    const hour = new Date(start + 3_600_000 * this.hour++).toISOString()
    for (let from = 0; from < count; from += size)
      await this.client.query(`insert into public.crypto_prices (${columns})
        select coin, 'C', 'Coin', exchange, price, timestamptz '${hour}' + make_interval(mins => minute), timestamptz '${hour}', 'bench', ''
        from public.feed where n >= ${from} and n < ${Math.min(count, from + size)} order by n`)
  }

  async copy(count = rows): Promise<void> {
    const hour = start + 3_600_000 * this.hour++
    const text = Array.from({length: count}, (_, n) => {
      const time = new Date(hour + Math.floor(n / series) * 60_000).toISOString()
      const exchange = ['binance', 'coinbase', 'kraken', 'bitstamp'][n % 4]
      const values = [`coin${n % (series / 4)}`, 'C', 'Coin', exchange, 100 + (n % 7), time, time, 'bench', '']
      return `${values.join('\t')}\n`
    }).join('')
    if ((await copyFrom(this.client, `copy public.crypto_prices (${columns}) from stdin`, text)) !== count)
      throw new Error('not all rows were copied')
  }
}

const databases = new BenchDatabases()
try {
  const writers = {} as Record<'guard' | 'none' | 'row', Writer>
  for (const [kind, change] of [
    ['guard', guard],
    ['none', 'select 1'],
    ['row', rowTrigger],
  ] as const) {
    const client = await databases.create()
    await client.query(noTrigger)
    writers[kind] = new Writer(client)
    await writers[kind].prepare()
    await client.query(change)
  }
  for (const [title, write] of [
    ['statements of 10 000 rows', (writer: Writer, count: number) => writer.statements(10_000, count)],
    ['statements of 1000 rows', (writer: Writer, count: number) => writer.statements(1000, count)],
    ['COPY', (writer: Writer, count: number) => writer.copy(count)],
  ] as const) {
    // A query per row costs the same for each row, and all rows would take minutes.
    const taken = await race(rounds, {
      'no trigger': () => write(writers.none, rows),
      guard: () => write(writers.guard, rows),
      'a query a row, a tenth of the rows': () => write(writers.row, rows / 10),
    })
    const [none, guard, row] = [
      taken['no trigger'].median,
      taken.guard.median,
      taken['a query a row, a tenth of the rows'].median * 10,
    ]
    report(`${rows} rows of ${series} series, ${title}`, Object.values(taken), [
      {what: 'guard over no trigger', ratio: guard / none, atMost: title === 'statements of 10 000 rows' ? 1.4 : 2.2},
      {what: 'what the guard adds over what a query a row adds', ratio: (guard - none) / (row - none), atMost: 0.1},
    ])
  }
} finally {
  await databases.drop()
}
