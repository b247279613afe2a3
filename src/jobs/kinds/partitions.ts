import {planEnsure} from '../../partitions/create/ensure.js'
import type {PartitionFinding} from '../../partitions/create/plan-periods.js'
import {parseQualifiedName} from '../../db/qualified-name.js'
import {partitionsDefined} from '../../partitions/declared.js'
import {qualifiedName} from '../../catalog/table.js'
import type {Database} from '../../db/database.js'
import type {PartitionRule} from '../../partitions/periods.js'
import type {OptionsOf} from '../../config/jobs.js'
import type {JobContext, JobKind} from '../kind.js'

/** Creates the missing partitions of the declared partition sets, for now and ahead. */
export const job: JobKind<'partitions'> = {
  kind: 'partitions',
  summary: 'Creates the missing partitions for now and ahead.',
  async plan(db, {tables, ahead}, context) {
    const {rules, unknown} = await chosenSets(db, {tables, ahead}, context)
    if (rules.length === 0)
      return {
        plans: [],
        enforced: [],
        notes: unknown.map((name) => `${name} is not a declared partition set`),
        problems: [],
      }
    const {plan, findings} = await planEnsure(db, rules)
    const trouble = findings.filter(({kind}) => isTrouble(kind))
    return {
      plans: [plan],
      enforced: [],
      // From when on partitions have another length is news for the operator who changes it, not for every run.
      notes: findings.filter(({kind}) => kind !== 'period' && !isTrouble(kind)).map(({message}) => message),
      problems: trouble.map(({message}) => message),
    }
  },
}

const isTrouble = (kind: PartitionFinding['kind']) => kind === 'conflict' || kind === 'stray'

/** The declared partition sets, or those in `tables`; `unknown` lists names that are not declared. */
export async function chosenSets(
  db: Database,
  {tables, ahead}: OptionsOf<'partitions'>,
  context: Pick<JobContext, 'partitions'>,
): Promise<{rules: PartitionRule[]; unknown: string[]}> {
  const normalizedName = (text: string) => {
    const {schema, name} = parseQualifiedName(text)
    return qualifiedName({schema: schema ?? 'public', name})
  }
  const all = context
    .partitions(await partitionsDefined(db))
    .map((rule) => (ahead === undefined ? rule : {...rule, ahead}))
  const names = tables?.map(normalizedName)
  const rules = names === undefined ? all : all.filter(({relation}) => names.includes(normalizedName(relation)))
  return {rules, unknown: names?.filter((name) => !rules.some(({relation}) => normalizedName(relation) === name)) ?? []}
}
