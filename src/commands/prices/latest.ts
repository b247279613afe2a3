import {Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {PricesCommand, type PricesHead} from '../../cli/prices-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import type {LatestPrice} from '../../qicore/prices.js'

interface LatestReport extends PricesHead {
  kind: 'prices.latest'
  prices: LatestPrice[]
}

export default class PricesLatest extends PricesCommand<typeof PricesLatest> {
  static override summary = 'The newest price of each coin on each exchange.'
  static override description =
    'Without a coin, of all of them. A coin whose newest price is older than --within is not shown: an old price is none.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --coin bitcoin,ethereum --within 5min --json',
  ]
  static override flags = {
    coin: Flags.string({
      summary: 'Only these; several with commas, or the flag again.',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: '<coin>',
    }),
    within: Flags.string({summary: 'How far back a price may lie.', default: '1h', helpValue: '<duration>'}),
    'as-of': instantFlag({summary: "Time to use as now; default: the server's clock."}),
    ...tableFlags,
  }

  async run(): Promise<LatestReport> {
    const {latestPrices} = await import('../../qicore/prices.js')
    const {coin: coins, within, 'as-of': asOf} = this.flags
    const report = await this.ask(async (client, head): Promise<LatestReport> => {
      const prices = await latestPrices(client, {within, asOf, coins})
      return {kind: 'prices.latest', ...head, prices}
    })
    await this.showTable(
      {rows: report.prices, fields: ['coinId', 'symbol', 'name', 'exchangeId', 'usdPrice', 'time']},
      async (look) => (await import('../../cli/render/prices.js')).renderLatest(report.prices, asOf ?? report.at, look),
    )
    return report
  }
}
