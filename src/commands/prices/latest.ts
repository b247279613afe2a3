import {Flags} from '@oclif/core'
import {instantFlag} from '../../cli/flags.js'
import {PricesCommand, type PricesHead} from '../../cli/prices-command.js'
import type {LatestPrice} from '../../qicore/prices.js'

interface LatestReport extends PricesHead {
  kind: 'prices.latest'
  prices: LatestPrice[]
}

const defaultWithin = '1h'

export default class PricesLatest extends PricesCommand<typeof PricesLatest> {
  static override summary = 'Show the newest price of each coin on each exchange.'
  static override description =
    'Without --coin, shows all coins. A coin whose newest price is older than --within is omitted.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --coin bitcoin,ethereum --within 5min --json',
  ]
  static override flags = {
    coin: Flags.string({
      summary: 'Only these coins; separate several by commas, or repeat the flag.',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: '<coin>',
    }),
    within: Flags.string({summary: 'Maximum age of a price.', default: defaultWithin, helpValue: '<duration>'}),
    'as-of': instantFlag({summary: "Reference time of the report; default: the server's clock."}),
  }

  static override tables() {
    return {'': async () => (await import('../../qicore/prices-table.js')).latestPricesTable}
  }

  async run(): Promise<LatestReport> {
    const [{latestPrices}, {latestPricesTable}, {explainAbsentPrices}] = await Promise.all([
      import('../../qicore/prices.js'),
      import('../../qicore/prices-table.js'),
      import('../../qicore/absent-prices.js'),
    ])
    const {coin: coins, within, 'as-of': asOf} = this.flags
    const report = await this.ask(async (client, head): Promise<LatestReport> => {
      const prices = await latestPrices(client, {within, asOf, coins})
      const absent = (coins ?? []).filter((coin) => !prices.some(({coinId}) => coinId === coin))
      const given = {...(within !== defaultWithin && {within}), ...(asOf !== undefined && {'as-of': asOf})}
      const notes =
        prices.length > 0 && absent.length === 0
          ? []
          : await explainAbsentPrices(client, {
              report: 'latest',
              coins: absent,
              exchange: null,
              at: asOf ?? head.at,
              atGiven: asOf !== undefined,
              flags: given,
            })
      return {kind: 'prices.latest', ...head, prices, notes}
    })
    const prices = await this.show(latestPricesTable, {at: asOf ?? report.at}, report.prices, async () =>
      (await import('../../cli/render/prices.js')).aroundLatest(report.prices, report.notes),
    )
    return {...report, prices}
  }
}
