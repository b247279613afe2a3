import type {LatestPrice, Performer, PriceBucket} from '../../qicore/prices.js'
import {closingLine, notes, type Around} from './shown.js'
import {plural} from './words.js'

/**
 * The newest prices, one row a coin and exchange.
 * @param why there is none of what was asked for
 */
export function aroundLatest(prices: readonly LatestPrice[], why: readonly string[]): Around<LatestPrice> {
  const counted = prices.length === 0 ? [] : [closingLine([], [`${plural(prices.length, 'price')}.`])]
  return {below: [...counted, ...notes(why, '')]}
}

/** Buckets of one series, oldest first. */
export function aroundHistory(buckets: readonly PriceBucket[], why: readonly string[]): Around<PriceBucket> {
  if (buckets.length === 0) return {below: notes(why, '')}
  return {below: [closingLine([], [`${plural(buckets.length, 'bucket')}; those without a price are left out.`])]}
}

/** The highest change first. */
export function aroundTop(performers: readonly Performer[], why: readonly string[]): Around<Performer> {
  return performers.length === 0 ? {below: notes(why, '')} : {}
}
