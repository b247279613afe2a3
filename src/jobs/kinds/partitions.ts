import {planEnsure} from '../../partitions/ensure.js'
import {parseQualifiedName} from '../../db/qualified-name.js'
import {partitionsDefined} from '../../partitions/declared.js'
import {qualifiedName} from '../../catalog/table.js'
import type {Database} from '../../db/database.js'
import type {PartitionRule} from '../../partitions/periods.js'
import type {OptionsOf} from '../../config/jobs.js'
import type {JobContext, JobKind} from '../kind.js'

/** Keeps the declared partition sets ahead. */
export const job: JobKind<'partitions'> = {
  kind: 'partitions',
  summary: 'Makes the partitions that are missing of now and ahead.',
  async plan(db, {tables, ahead}, context) {
    const {rules, unknown} = await chosenSets(db, {tables, ahead}, context)
    if (rules.length === 0)
      return {
        plans: [],
        enforced: [],
        notes: unknown.map((name) => `${name} is no declared partition set`),
        problems: [],
      }
    const {plan, findings} = await planEnsure(db, rules)
    const trouble = findings.filter(({kind}) => kind === 'conflict' || kind === 'stray')
    return {
      plans: [plan],
      enforced: [],
      notes: findings.filter((finding) => !trouble.includes(finding)).map(({message}) => message),
      problems: trouble.map(({message}) => message),
    }
  },
}

/** The declared partition sets, or those of them that a job names. */
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
