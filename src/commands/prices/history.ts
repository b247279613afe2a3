import {Args, Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {PricesCommand, type PricesHead} from '../../cli/prices-command.js'
import type {PriceBucket} from '../../qicore/prices.js'

interface HistoryReport extends PricesHead {
  kind: 'prices.history'
  coin: string
  exchange: string
  from: string
  to: string
  buckets: PriceBucket[]
}

const defaultBucket = '5min'

export default class PricesHistory extends PricesCommand<typeof PricesHistory> {
  static override summary = 'Show prices of one coin on one exchange in time buckets.'
  static override description =
    'Without --from and --to, the last 24 hours. The range excludes a price exactly at --to. Buckets are aligned ' +
    'to multiples of their length, counted from a Monday in UTC.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> bitcoin binance',
    '<%= config.bin %> <%= command.id %> bitcoin kraken --from 2026-03-01 --to 2026-03-08 --bucket 1h --csv',
  ]
  static override args = {
    coin: Args.string({description: 'coin, as stored: bitcoin', required: true}),
    exchange: Args.string({description: 'exchange, as stored: binance', required: true}),
  }
  static override flags = {
    from: instantFlag({summary: 'Start; default: 24 hours before --to.'}),
    to: instantFlag({summary: "End (exclusive); default: the server's clock."}),
    bucket: Flags.string({
      summary: 'Length of a bucket, less than a month.',
      default: defaultBucket,
      helpValue: '<duration>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../qicore/prices-table.js')).priceHistoryTable}
  }

  async run(): Promise<HistoryReport> {
    const [{priceHistory}, {priceHistoryTable}, {explainAbsentPrices}] = await Promise.all([
      import('../../qicore/prices.js'),
      import('../../qicore/prices-table.js'),
      import('../../qicore/absent-prices.js'),
    ])
    const {coin, exchange} = this.args
    const {bucket} = this.flags
    const report = await this.ask(async (client, head): Promise<HistoryReport> => {
      const to = this.flags.to ?? head.at
      const from = this.flags.from ?? new Date(Date.parse(to) - 86_400_000).toISOString()
      const buckets = await priceHistory(client, {coin, exchange, from, to, bucket})
      const given = {...(bucket !== defaultBucket && {bucket})}
      const notes =
        buckets.length > 0
          ? []
          : await explainAbsentPrices(client, {
              report: 'history',
              coins: [coin],
              exchange,
              at: to,
              atGiven: this.flags.to !== undefined,
              flags: given,
            })
      return {kind: 'prices.history', ...head, coin, exchange, from, to, buckets, notes}
    })
    const buckets = await this.show(priceHistoryTable, report, report.buckets, async () =>
      (await import('../../cli/render/prices.js')).aroundHistory(report.buckets, report.notes),
    )
    return {...report, buckets}
  }
}
