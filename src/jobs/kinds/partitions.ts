import {planEnsure} from '../../partitions/create/ensure.js'
import type {PartitionFinding} from '../../partitions/create/plan-periods.js'
import {findPartitioned} from '../../partitions/find-table.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import {command} from '../../units/command.js'
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
    const undeclared = await Promise.all(unknown.map((name) => whyNotSet(db, name)))
    if (rules.length === 0) return {plans: [], enforced: [], notes: [], problems: undeclared}
    const {plan, findings} = await planEnsure(db, rules)
    const trouble = findings.filter(({kind}) => isTrouble(kind))
    return {
      plans: [plan],
      enforced: [],
      // From when on partitions have another length is news for the operator who changes it, not for every run.
      notes: findings.filter(({kind}) => kind !== 'period' && !isTrouble(kind)).map(({message}) => message),
      problems: [...undeclared, ...trouble.map(asError)],
    }
  },
}

/** Why the partitions of a named object are not created ahead. */
async function whyNotSet(db: Database, name: string): Promise<OpsError> {
  try {
    const relation = await findPartitioned(db, name)
    return usageError('NOT_DECLARED', `The partitions of ${relation} are not declared.`, [
      `Declare tables.${relation}.partitions in the configuration.`,
    ])
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
}

function asError({relation, code = 'PARTITION_CONFLICT', message, exitCode}: PartitionFinding): OpsError {
  return new OpsError(code, message, {
    exit: (exitCode as ExitCode | undefined) ?? ExitCode.failed,
    suggestions: [`What a run would create: ${command('partitions ensure', [relation], {'dry-run': true})}`],
  })
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
