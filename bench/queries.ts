/**
 * latestPrices, priceHistory and topPerformers over 400 chunks, against the obvious form of these queries: the newest
 * row of each series from all rows, buckets by date_trunc over all exchanges, the change sorted over all rows. Needs
 * QICORE_TEST_URL; drops its database at the end.
 */
import {latestPrices, priceHistory, topPerformers} from '../src/index.js'
import {BenchDatabases} from './database.js'
import {race, report} from './measure.js'

const rounds = Number(process.env.ROUNDS ?? 7)
const days = 400
const end = Date.parse('2026-03-01T12:00:00Z')
const asOf = new Date(end).toISOString()

const naive = {
  latest: `select p.* from public.crypto_prices p
    join (select coin_id, exchange_id, max(time) as time from public.crypto_prices group by coin_id, exchange_id) newest using (coin_id, exchange_id, time)
    where p.time > $1::timestamptz - interval '1 hour' order by coin_id, exchange_id`,
  history: `select to_timestamp(floor(extract(epoch from time) / 300) * 300) as bucket, avg(usd_price), max(usd_price), min(usd_price) from public.crypto_prices
    where coin_id = $1 and exchange_id = $2 and to_timestamp(floor(extract(epoch from time) / 300) * 300) >= $3 and to_timestamp(floor(extract(epoch from time) / 300) * 300) < $4 group by 1 order by 1`,
  top: `select * from (select p.*, row_number() over (partition by coin_id order by time desc, id desc) as place from public.crypto_prices p where change_24h is not null) ranked
    where place = 1 and time > $1::timestamptz - interval '1 hour' order by change_24h desc limit 10`,
}

const databases = new BenchDatabases()
try {
  const client = await databases.create()
  const hypertable = (await client.query("select from pg_extension where extname = 'timescaledb'")).rowCount === 1
  if (hypertable) await client.query("select set_chunk_time_interval('public.crypto_prices', interval '3 days')")
  else
    await client.query(
      "select count(qicore.create_partition('public.crypto_prices', 'day', t)) from generate_series($1::timestamptz - make_interval(days => $2), $1, '1 day') t",
      [asOf, days + 1],
    )
  await client.query("set qicore.price_guard = 'off'")
  const fill = (from: number, to: number, step: string, coins: number) =>
    client.query(
      `
    insert into public.crypto_prices (coin_id, symbol, name, exchange_id, usd_price, change_24h, time, last_updated, source, attribution)
    select 'coin' || c, 'C', 'C', e, 100 + c, c, t, t, '', '' from generate_series(1, $1::int) c, unnest(array['binance', 'coinbase', 'kraken', 'bitstamp']) e,
      generate_series($2::timestamptz, $3::timestamptz, $4::interval) t`,
      [coins, new Date(from).toISOString(), new Date(to).toISOString(), step],
    )
  const day = 86_400_000
  // In several statements, because each takes a lock on every chunk into which it writes.
  for (let back = days; back > 3; back -= 20)
    await fill(end - back * day, end - Math.max(3, back - 20) * day - 1, '1 hour', 20)
  await fill(end - 3 * day, end, '1 minute', 20)
  await client.query('analyze public.crypto_prices')
  const {
    rows: [counted],
  } = await client.query<{chunks: number; rows: number}>(
    "select (select count(*)::int from pg_inherits where inhparent = 'public.crypto_prices'::regclass) as chunks, (select count(*)::int from public.crypto_prices) as rows",
  )

  const [from, to] = [new Date(end - day).toISOString(), new Date(end).toISOString()]
  const taken = await race(rounds, {
    latestPrices: () => latestPrices(client, {asOf}),
    'latest of all rows': () => client.query(naive.latest, [asOf]),
    priceHistory: () => priceHistory(client, {coin: 'coin3', exchange: 'kraken', from, to}),
    'buckets of all rows': () => client.query(naive.history, ['coin3', 'kraken', from, to]),
    topPerformers: () => topPerformers(client, {asOf}),
    'top of all rows': () => client.query(naive.top, [asOf]),
  })
  const over = (ours: keyof typeof taken, theirs: keyof typeof taken) => taken[ours].median / taken[theirs].median
  report(`Queries over ${counted!.chunks} chunks, ${counted!.rows} rows`, Object.values(taken), [
    {what: 'latestPrices over the newest of all rows', ratio: over('latestPrices', 'latest of all rows'), atMost: 0.1},
    {what: 'priceHistory over buckets of all rows', ratio: over('priceHistory', 'buckets of all rows'), atMost: 0.5},
    {what: 'topPerformers over a window of all rows', ratio: over('topPerformers', 'top of all rows'), atMost: 0.1},
  ])
} finally {
  await databases.drop()
}
