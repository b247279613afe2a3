import {command, type FlagValue} from '../units/command.js'
import {epochMicros, formatEpochMicros, instantInWords, secondsBetween, type Instant} from '../units/instant.js'
import {similar} from '../units/similar.js'
import {queryPrices, type QuerySource} from './prices.js'

/** A price report that is empty, or that has no price of a requested coin. */
export interface AbsentRequest {
  report: 'latest' | 'history' | 'top'
  /** The coins without a price; empty if the report has no price at all. */
  coins: readonly string[]
  exchange: string | null
  /** The time of the report: the server's clock, or the value of --as-of. */
  at: Instant
  /** Whether the operator gave `at`. */
  atGiven: boolean
  /** Other flags of the operator, repeated in printed commands. */
  flags?: Readonly<Record<string, FlagValue>>
}

interface Known {
  coin_id: string
  symbol: string
  name: string
  exchange_id: string
}

/**
 * Explains in sentences why there is no price, with a command that finds one: the coin or exchange is unknown, the
 * table is empty, or the prices are of another time.
 */
export async function explainAbsentPrices(source: QuerySource, request: AbsentRequest): Promise<string[]> {
  const {coins, exchange} = request
  const known = await queryPrices<Known>(source, 'known-prices', [])
  if (known.length === 0) return ['public.crypto_prices has no rows.']
  if (exchange !== null && (await newest(source, {exchange}, request)) === null) {
    const exchanges = unique(known.map(({exchange_id: id}) => id))
    return [unknownSentence('exchange', exchange, similar(exchange, exchanges), exchanges)]
  }
  if (coins.length === 0) return outside(source, request, null)
  const notes: string[] = []
  for (const coin of coins) notes.push(...(await explainCoin(source, request, coin, known)))
  return notes
}

async function explainCoin(
  source: QuerySource,
  request: AbsentRequest,
  coin: string,
  known: readonly Known[],
): Promise<string[]> {
  if ((await newest(source, {coin}, request)) === null) {
    const ids = unique(known.map(({coin_id: id}) => id))
    return [unknownSentence('coin', coin, meantCoin(coin, known), ids)]
  }
  const {exchange} = request
  if (exchange !== null && (await newest(source, {coin, exchange}, request)) === null) {
    const exchanges = unique(known.filter(({coin_id: id}) => id === coin).map(({exchange_id: id}) => id))
    return [
      `No price of ${coin} on ` +
        `${exchange}.${exchanges.length === 0 ? '' : ` Exchanges with recent prices of it: ${formatWords(exchanges)}.`}`,
    ]
  }
  return outside(source, request, coin)
}

/** The coin whose symbol or name was typed, or whose id is similar to the typed text. */
function meantCoin(typed: string, known: readonly Known[]): string | null {
  const wanted = typed.toLowerCase()
  const named = known.find(({coin_id: id, symbol, name}) =>
    [id, symbol, name].some((word) => word.toLowerCase() === wanted),
  )
  return named?.coin_id ?? similar(typed, unique(known.map(({coin_id: id}) => id)))
}

function unknownSentence(
  what: 'coin' | 'exchange',
  typed: string,
  meant: string | null,
  known: readonly string[],
): string {
  const hint = meant === null ? '' : ` Did you mean ${meant}?`
  return (
    `No price found for ${what} "${typed}".${hint} ${what === 'coin' ? 'Coins' : 'Exchanges'} with recent prices: ` +
    `${formatWords(known)}.`
  )
}

/** Prices exist, but outside the requested time. */
async function outside(source: QuerySource, request: AbsentRequest, coin: string | null): Promise<string[]> {
  const {report, exchange, at, atGiven} = request
  const before = atGiven ? await newest(source, {coin, exchange, upTo: at}, request) : null
  const time = before ?? (await newest(source, {coin, exchange}, request))
  const what = [
    report === 'top' ? 'price with a 24 h change' : 'price',
    ...(coin === null ? [] : [`of ${coin}`]),
    ...(exchange === null ? [] : [`on ${exchange}`]),
  ].join(' ')
  if (time === null) return [`No ${what} found.`]
  return [
    `No ${what} found in that time. The newest${before === null ? '' : ' before it'} is from ${instantInWords(time)}.`,
    ...commandsFor(request, coin, time),
  ]
}

function commandsFor({report, exchange, at, flags = {}}: AbsentRequest, coin: string | null, time: Instant): string[] {
  if (report === 'history') {
    const micros = epochMicros(time)!
    const [from, to] = [micros - 86_400_000_000n, micros + 1n].map(formatEpochMicros)
    return [`Its last 24 hours: ${command('prices history', [coin!, exchange!], {...flags, from: from!, to: to!})}`]
  }
  const chosen = {...flags, ...(coin !== null && {coin})}
  const asOf = `Prices as of then: ${command(`prices ${report}`, [], {...chosen, 'as-of': time})}`
  const age = secondsBetween(time, at)
  return age < 0
    ? [asOf]
    : [asOf, `Older prices too: ${command(`prices ${report}`, [], {...chosen, within: wideEnough(age)})}`]
}

/** A duration in one unit that covers this many seconds, plus a minute for the operator to type the command. */
function wideEnough(seconds: number): string {
  const needed = seconds + 60
  return needed > 172_800 ? `${Math.floor(needed / 86_400) + 1}d` : `${Math.floor(needed / 3_600) + 1}h`
}

async function newest(
  source: QuerySource,
  {coin = null, exchange = null, upTo = null}: {coin?: string | null; exchange?: string | null; upTo?: Instant | null},
  {report}: AbsentRequest,
): Promise<Instant | null> {
  const rows = await queryPrices<{time: Instant}>(source, 'newest-price', [
    coin === null ? null : [coin],
    exchange,
    upTo,
    report === 'top',
  ])
  return rows[0]?.time ?? null
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)]
}

const shownWords = 20

function formatWords(words: readonly string[]): string {
  return words.length <= shownWords
    ? words.join(', ')
    : `${words.slice(0, shownWords).join(', ')} and ${words.length - shownWords} more`
}
