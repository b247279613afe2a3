import type {Command} from '@oclif/core'
import type {Database} from '../db/database.js'
import type {PartitionRule} from '../partitions/periods.js'
import type {Plan} from '../run/step.js'
import {BaseCommand, type ChangeFlags, type ChangeReport} from './base-command.js'

/** The partition set that a command line names. */
export interface NamedSet {
  /** Its qualified name. */
  relation: string
  /** What the configuration and the definitions declare for it; null if nothing does. */
  declared: PartitionRule | null
}

/** A plan for a partition set, with what its report says besides the steps. */
export interface SetPlan {
  plan: Plan
  /** Shown before the confirmation. */
  notes: readonly string[]
}

interface SetChange<P extends SetPlan> {
  /** Lines that are shown after the notes of the plan. */
  remarks?: (planned: P) => readonly string[]
  /** Whether the plan differs once the schema qicore, which the first change installs, is there. */
  replan?: boolean
}

/** Commands that change the partitions of one table. */
export abstract class PartitionCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Connects, finds the set, plans its change, shows the notes, and has the change confirmed and run. */
  protected async changeSet<P extends SetPlan>(
    table: string,
    planOf: (db: Database, set: NamedSet) => Promise<P>,
    {remarks = () => [], replan = false}: SetChange<P> = {},
  ): Promise<ChangeReport & Omit<P, 'plan'>> {
    const [{partitionRules}, {namedSet, partitionsDefined}, {reportNotes}] = await Promise.all([
      import('../config/partitions.js'),
      import('../partitions/declared.js'),
      import('./notes.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const rules = partitionRules(await this.loadConfig(), await partitionsDefined(db))
        const set = await namedSet(db, table, rules)
        const planned = await planOf(db, set)
        await reportNotes([...planned.notes, ...remarks(planned)], (line) => this.report(line))
        const options = replan ? {replan: async () => (await planOf(db, set)).plan} : {}
        const {plan, ...facts} = planned
        return {...(await this.confirmAndRun(db, plan, this.flags as unknown as ChangeFlags, options)), ...facts}
      },
      {changes: true},
    )
  }
}
