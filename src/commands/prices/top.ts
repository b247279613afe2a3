import {Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {PricesCommand, type PricesHead} from '../../cli/prices-command.js'
import type {Performer} from '../../qicore/prices.js'

interface TopReport extends PricesHead {
  kind: 'prices.top'
  prices: Performer[]
}

const defaultWithin = '1h'
const defaultLimit = 10

export default class PricesTop extends PricesCommand<typeof PricesTop> {
  static override summary = 'Show the coins with the largest rise in 24 hours.'
  static override description = 'Uses the newest price of each coin that has a 24 h change, on any exchange.'
  static override examples = ['<%= config.bin %> <%= command.id %> --limit 5']
  static override flags = {
    limit: Flags.integer({
      char: 'n',
      summary: 'How many.',
      default: defaultLimit,
      min: 1,
      max: 10_000,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
    within: Flags.string({summary: 'Maximum age of a price.', default: defaultWithin, helpValue: '<duration>'}),
    'as-of': instantFlag({summary: "Reference time of the report; default: the server's clock."}),
  }

  static override tables() {
    return {'': async () => (await import('../../qicore/prices-table.js')).topPricesTable}
  }

  async run(): Promise<TopReport> {
    const [{topPerformers}, {topPricesTable}, {explainAbsentPrices}] = await Promise.all([
      import('../../qicore/prices.js'),
      import('../../qicore/prices-table.js'),
      import('../../qicore/absent-prices.js'),
    ])
    const {limit, within, 'as-of': asOf} = this.flags
    const report = await this.ask(async (client, head): Promise<TopReport> => {
      const prices = await topPerformers(client, {limit, within, asOf})
      const given = {
        ...(limit !== defaultLimit && {limit}),
        ...(within !== defaultWithin && {within}),
        ...(asOf !== undefined && {'as-of': asOf}),
      }
      const notes =
        prices.length > 0
          ? []
          : await explainAbsentPrices(client, {
              report: 'top',
              coins: [],
              exchange: null,
              at: asOf ?? head.at,
              atGiven: asOf !== undefined,
              flags: given,
            })
      return {kind: 'prices.top', ...head, prices, notes}
    })
    const prices = await this.show(topPricesTable, {at: asOf ?? report.at}, report.prices, async () =>
      (await import('../../cli/render/prices.js')).aroundTop(report.prices, report.notes),
    )
    return {...report, prices}
  }
}
