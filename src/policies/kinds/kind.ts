import type {Database} from '../../db/database.js'
import type {EngineKind} from '../../engines/index.js'
import type {Scale} from '../../catalog/offset-words.js'
import type {LivePolicy, Offset, PolicyKindName} from '../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import type {Table} from '../../catalog/table.js'
import type {Step} from '../../run/step.js'
import type {Duration} from '../../units/duration.js'
import type {FindingContext} from '../status/finding-context.js'
import type {StepContext} from '../plan/policy-step.js'
import type {Problem} from '../plan/problem.js'
import type {AggregateDefinition, TableDefinition} from '../../schema/definition.js'
import type {JudgedPolicy, NotDoneCode, PolicyAdvice, RuleText} from '../status/types.js'
import type {PolicyWork, WorkRequest} from '../status/work.js'
import type {LiveRule, TableState} from '../table-state.js'

/**
 * One kind of policy: how its rule is read, compared, applied, described and checked. A new kind is one module that
 * exports one of these, a line in the registry (index.ts), a line in engines/policy-kinds.ts that names TimescaleDB's
 * procedure, its rule in config/schema.ts, and a command that sets it by hand.
 */
export interface PolicyKind<Rule, Desired, Own extends ChangeBase, Facts = null, Written = Rule> {
  /** Name in configurations, commands and qicore.policies. */
  readonly name: PolicyKindName
  /** The `do` of the changes that {@link diff} returns and {@link steps} accepts. */
  readonly changes: readonly Own['do'][]
  /** Verb for what each of several policies of one table does; null if several are normal. */
  readonly eachOfSeveral: string | null
  /** The rule of a configuration, completed from the default of the definitions if there is one. */
  declare(written: Written, before: Rule | undefined): Rule
  /** The default of a definition; undefined if there is none. */
  fromDefinition(definition: TableDefinition | AggregateDefinition): Rule | undefined
  /** Whether its policies on this engine can be rows of qicore.policies, not only jobs of TimescaleDB. */
  isRow(engine: EngineKind): boolean
  /** Why a table cannot have it on this engine; null if it can. */
  impossible(place: Place): Impossible | null
  /** Notes of a plan about a rule that is applied in another way than it was declared. */
  remarks?(rule: Rule, place: Place): string[]
  /** The rule on its table's scale; null if it has a mistake, which is added to the reader's problems. */
  desired(rule: Rule, reader: RuleReader): Desired | null
  /** The changes that give the table this rule; empty if it has it. */
  diff(desired: Desired, context: DiffContext): Own[]
  /** The steps of one change, one transaction each. */
  steps(change: Own, context: StepContext): Step[]
  /** The table as it is after the change. */
  project(state: TableState, change: Own): TableState
  /** Whether TimescaleDB will run the change's job as the owner of the table. */
  runsAsOwner(change: Own): boolean
  /** A declared rule in reports. */
  ruleText(rule: Rule): RuleText
  /** A live rule in reports. */
  liveText(rule: LiveRule, state: TableState): RuleText
  /** A rule of either text in one cell of a table. */
  cell(text: RuleText): string
  /** The words for work that is not done; null for the default, `2 chunks were <why>`. */
  notDoneInWords?(code: NotDoneCode, counted: Counted): string | null
  /** A declared rule in a few words: `30 days`. */
  inWords(rule: Rule): string
  /** A live rule in a few words. */
  liveInWords(rule: LiveRule, scale: Scale): string
  /** A live rule as a value of the configuration, or why a configuration cannot express it. */
  toConfig(rule: LiveRule, state: TableState): {value: ConfigValue} | {cannot: string}
  /** Reads what {@link work} needs besides the catalog, for all live policies of the kind at once. */
  readFacts(db: Database, policies: readonly LivePolicy[], snapshot: CatalogSnapshot): Promise<Facts>
  /** The due work of the policy, by the state of the database: a job may report success although it failed. */
  work(request: WorkRequest, facts: Facts): Promise<PolicyWork>
  /** Advice about work that is not done: sentences with at most one command each, and none that deletes rows. */
  advice(status: JudgedPolicy, context: FindingContext): PolicyAdvice[]
}

/** The fields of every change. */
export interface ChangeBase {
  do: string
  /** The table or aggregate. */
  key: string
  /** The differences in words: `after 30 days, was 7 days`. */
  why: readonly string[]
}

export interface Counted {
  count: number
  /** ` chunks`, ` range`; empty if the sentence has named it already. */
  noun: string
}

/** The facts that decide whether a kind of policy is possible. */
export interface Place {
  kind: Table['kind']
  /** A hypertable or continuous aggregate of TimescaleDB. */
  native: boolean
  engine: EngineKind
}

export interface Impossible {
  code: 'NOT_POSSIBLE_HERE' | 'NOT_AN_AGGREGATE' | 'NOT_A_HYPERTABLE'
  /** A clause about the table: `compression is TimescaleDB's community edition only`. */
  why: string
  suggestions: readonly string[]
}

/** What a kind needs to check a declared rule against its table. */
export interface RuleReader {
  state: TableState
  /** Where the rule is in the configuration: `tables.public.t.compression`. */
  place: string
  problems: Problem[]
  /** An age on the table's scale; null if it cannot be converted, which is added to the problems. */
  offset(field: string, duration: Duration): Offset | null
}

export interface DiffOptions {
  engine: EngineKind
  maxDropPerRun: number
}

export interface DiffContext extends DiffOptions {
  state: TableState
  /** The engine's scheduler can run policies of this table. */
  scheduled: boolean
  /** The live rules of the kind. */
  rules: readonly LiveRule[]
  problems: Problem[]
}

/** A value of a configuration: text, lists and one level of fields. */
export type ConfigValue = string | boolean | readonly string[] | {[field: string]: ConfigValue}
