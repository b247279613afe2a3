import {command} from '../../units/command.js'
import {instantInWords, plural} from './words.js'

/** What the demo prints in addition to the statistics. */
export interface DemoShown {
  directory: string
  asOf: string
  sampleUntil: string | null
  rows: {prices: number; candles: number; analytics: number; quotes: number}
  candles: {file: string; total: number; loaded: number; newExchange: boolean} | null
}

/**
 * Notes before the table: the result for the candle file, and whether the sample data is already later than --as-of.
 */
export function demoNotes({asOf, sampleUntil, candles}: DemoShown, exchange: string): string[] {
  const registered = candles?.newExchange ? ` The exchange ${exchange} was new and has been registered.` : ''
  return [
    ...(candles === null
      ? []
      : [
          `${candles.file}: ${plural(candles.total, 'candle')}, ${candles.loaded} loaded, ` +
            `${candles.total - candles.loaded} already stored.${registered}`,
        ]),
    ...(sampleUntil !== null && Date.parse(sampleUntil) > Date.parse(asOf)
      ? [
          `The sample market already reaches ${instantInWords(sampleUntil)}, later than ${instantInWords(asOf)}: ` +
            'no sample row was added or removed. For a demo as of that time, add --fresh.',
        ]
      : []),
  ]
}

const next = () => [
  command('stats compression'),
  command('stats chunks', ['ohlcv_data']),
  command('policies status'),
  command('chunks drop', ['ohlcv_data'], {'older-than': '60d', 'dry-run': true}),
]

export function tryNext({directory, rows: {prices, candles, analytics, quotes}}: DemoShown): string {
  const rows =
    `${prices + candles + analytics + quotes} rows in ${directory}: ${candles} candles, ${prices} prices, ` +
    `${quotes} quotes, ${analytics} analytics.`
  return ['', rows, 'Try next:', ...next().map((each) => `  ${each}`)].join('\n')
}
