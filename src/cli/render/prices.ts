import type {LatestPrice, Performer, PriceBucket} from '../../qicore/prices.js'
import {closingLine, notes, type Around} from './shown.js'
import {plural} from './words.js'

/**
 * The newest prices, one row per coin and exchange.
 * @param why why requested prices are missing
 */
export function aroundLatest(prices: readonly LatestPrice[], why: readonly string[]): Around<LatestPrice> {
  const counted = prices.length === 0 ? [] : [closingLine([], [`${plural(prices.length, 'price')}.`])]
  return {below: [...counted, ...notes(why, '')]}
}

/** The buckets of one series, oldest first. */
export function aroundHistory(buckets: readonly PriceBucket[], why: readonly string[]): Around<PriceBucket> {
  if (buckets.length === 0) return {below: notes(why, '')}
  return {below: [closingLine([], [`${plural(buckets.length, 'bucket')}; buckets without a price are omitted.`])]}
}

/** Sorted by the change, descending. */
export function aroundTop(performers: readonly Performer[], why: readonly string[]): Around<Performer> {
  return performers.length === 0 ? {below: notes(why, '')} : {}
}
