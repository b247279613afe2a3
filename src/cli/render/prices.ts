import type {LatestPrice, Performer, PriceBucket} from '../../qicore/prices.js'
import {renderTable, type Column, type TableStyle} from './table.js'
import {ageOr, plural} from './words.js'

/**
 * The newest prices, one line a coin and exchange.
 * @param notes why there is none of what was asked for
 */
export function renderLatest(
  prices: readonly LatestPrice[],
  at: string,
  notes: readonly string[],
  style: TableStyle,
): string {
  if (prices.length === 0) return notes.join('\n')
  const columns: Column<LatestPrice>[] = [
    {head: 'COIN', cell: ({coinId}) => coinId, shrink: 12},
    {head: 'SYMBOL', cell: ({symbol}) => symbol, shrink: 6},
    {head: 'NAME', cell: ({name}) => name, wide: true, shrink: 12},
    {head: 'EXCHANGE', cell: ({exchangeId}) => exchangeId, shrink: 10},
    {head: 'USD', cell: ({usdPrice}) => usdPrice, right: true},
    {head: 'AGE', cell: ({time}) => ageOr(time, at), right: true},
    {head: 'TIME (UTC)', cell: ({time}) => time, wide: true},
  ]
  return [renderTable(columns, prices, {style}), `${plural(prices.length, 'price')}.`, ...notes].join('\n')
}

/** Buckets of one series, oldest first. */
export function renderHistory(buckets: readonly PriceBucket[], notes: readonly string[], style: TableStyle): string {
  if (buckets.length === 0) return notes.join('\n')
  const columns: Column<PriceBucket>[] = [
    {head: 'FROM (UTC)', cell: ({bucket}) => bucket},
    {head: 'AVG', cell: ({avgPrice}) => avgPrice, right: true},
    {head: 'MIN', cell: ({minPrice}) => minPrice, right: true},
    {head: 'MAX', cell: ({maxPrice}) => maxPrice, right: true},
    {head: 'N', cell: ({samples}) => String(samples), right: true, drop: 1},
  ]
  return `${renderTable(columns, buckets, {style})}\n${plural(buckets.length, 'bucket')}; those without a price are left out.`
}

/** The highest change first. */
export function renderTop(
  performers: readonly Performer[],
  at: string,
  notes: readonly string[],
  style: TableStyle,
): string {
  if (performers.length === 0) return notes.join('\n')
  const columns: Column<Performer>[] = [
    {head: 'COIN', cell: ({coinId}) => coinId, shrink: 12},
    {head: 'SYMBOL', cell: ({symbol}) => symbol, shrink: 6},
    {head: 'NAME', cell: ({name}) => name, wide: true, shrink: 12},
    {head: '24H', cell: ({change24h}) => `${change24h}%`, right: true},
    {head: 'USD', cell: ({usdPrice}) => usdPrice, right: true},
    {head: 'EXCHANGE', cell: ({exchangeId}) => exchangeId, shrink: 10},
    {head: 'AGE', cell: ({time}) => ageOr(time, at), right: true},
  ]
  return renderTable(columns, performers, {style})
}
