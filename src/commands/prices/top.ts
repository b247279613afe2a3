import {Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {PricesCommand, type PricesHead} from '../../cli/prices-command.js'
import {tableFlags} from '../../cli/table-flags.js'
import type {Performer} from '../../qicore/prices.js'

interface TopReport extends PricesHead {
  kind: 'prices.top'
  prices: Performer[]
}

export default class PricesTop extends PricesCommand<typeof PricesTop> {
  static override summary = 'The coins that rose most in 24 hours.'
  static override description =
    'By the newest price of each coin that says its 24 h change, on whichever exchange that is.'
  static override examples = ['<%= config.bin %> <%= command.id %> --limit 5']
  static override flags = {
    limit: Flags.integer({summary: 'How many.', default: 10, min: 1, max: 10_000, helpValue: '<n>'}),
    within: Flags.string({summary: 'How far back a price may lie.', default: '1h', helpValue: '<duration>'}),
    'as-of': instantFlag({summary: "Time to use as now; default: the server's clock."}),
    ...tableFlags,
  }

  async run(): Promise<TopReport> {
    const {topPerformers} = await import('../../qicore/prices.js')
    const {limit, within, 'as-of': asOf} = this.flags
    const report = await this.ask(
      async (client, head): Promise<TopReport> => ({
        kind: 'prices.top',
        ...head,
        prices: await topPerformers(client, {limit, within, asOf}),
      }),
    )
    await this.showTable(
      {rows: report.prices, fields: ['coinId', 'symbol', 'name', 'exchangeId', 'usdPrice', 'change24h', 'time']},
      async (look) => (await import('../../cli/render/prices.js')).renderTop(report.prices, asOf ?? report.at, look),
    )
    return report
  }
}
