import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {parseEvery, type Every} from '../../units/period.js'
import type {AdoptPlan} from '../../adopt/request.js'

const length = Flags.custom<Every>({parse: async (input) => parseEvery(input), helpValue: 'month'})

export default class PartitionsAdopt extends BaseCommand<typeof PartitionsAdopt> {
  static override summary = 'Turn a table into a partition set or a hypertable while it is in use.'
  static override description =
    'Rows are copied into a new table in committed batches, while a trigger records every change. Each period ' +
    'is compared by row count and checksum. Then the tables are swapped under ACCESS EXCLUSIVE, within a ' +
    'fraction of a second. The old table is kept until --finish; until then --undo goes back without losing a ' +
    'row.\n' +
    'The plan lists what the new table gets. What it cannot have is refused before anything is changed, with ' +
    'the statement that removes it. If a run is interrupted or killed, the next one continues it.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ticks --every day --dry-run',
    '<%= config.bin %> <%= command.id %> ticks --every day --yes',
    '<%= config.bin %> <%= command.id %> ticks --to hypertable --every day --yes',
    '<%= config.bin %> <%= command.id %> ticks --undo --yes',
    '<%= config.bin %> <%= command.id %> ticks --finish --confirm market',
  ]
  static override args = {table: Args.string({description: 'table, as name or schema.name', required: true})}
  static override flags = {
    ...changeFlags,
    to: Flags.option({options: ['set', 'hypertable'] as const})({
      summary: 'What the table becomes; default: a set.',
    }),
    key: Flags.string({summary: 'Column of the partitions; default: the only column of time.', helpValue: '<column>'}),
    every: length({
      summary:
        'Length of a partition or chunk: day, 6h, 2 weeks; default: as declared, else that of the set, else month ' +
        '(chunks: week).',
    }),
    undo: Flags.boolean({summary: 'Go back: remove the copy, or give the old table its name back.'}),
    finish: Flags.boolean({summary: 'Drop the old table. Loses the way back.', exclusive: ['undo']}),
  }

  async run(): Promise<ChangeReport & Omit<AdoptPlan, 'plan'>> {
    const {reportNotes} = await import('../../cli/notes.js')
    return this.withDatabase(
      async (db) => {
        const {plan, ...facts} = await this.planFor(db)
        if (facts.carried.length > 0)
          await reportNotes([`Carried over: ${facts.carried.join('; ')}.`], (line) => this.report(line))
        await reportNotes(facts.notes, (line) => this.report(line))
        return {...(await this.confirmAndRun(db, plan, this.flags)), ...facts}
      },
      {changes: true, rows: true},
    )
  }

  private async planFor(db: Parameters<Parameters<typeof this.withDatabase>[0]>[0]): Promise<AdoptPlan> {
    const {flags} = this
    const {table} = this.args
    if (flags.undo || flags.finish) {
      const {planFinish, planUndo} = await import('../../adopt/undo.js')
      return flags.undo ? planUndo(db, table) : planFinish(db, table)
    }
    const [{partitionRules}, {undeclared}, {ruleFor}, {planAdopt}] = await Promise.all([
      import('../../config/partitions.js'),
      import('../../partitions/undeclared.js'),
      import('../../adopt/declared.js'),
      import('../../adopt/plan.js'),
    ])
    const rules = partitionRules(await this.loadConfig(), false)
    const declared = await ruleFor(db, table, rules)
    const {timezone: zone, ahead, earliest, within} = declared ?? undeclared(table)
    return planAdopt(db, {
      table,
      column: flags.key ?? null,
      declared,
      to: flags.to ?? null,
      periods: {every: flags.every ?? declared?.every ?? null, zone, ahead},
      earliest,
      within,
    })
  }
}
