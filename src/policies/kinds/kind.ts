import type {Database} from '../../db/database.js'
import type {EngineKind} from '../../engines/index.js'
import type {Scale} from '../../catalog/offset-words.js'
import type {LivePolicy, Offset, PolicyKindName} from '../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import type {Table} from '../../catalog/table.js'
import type {Step} from '../../run/step.js'
import type {Duration} from '../../units/duration.js'
import type {FindingContext} from '../finding-context.js'
import type {StepContext} from '../policy-step.js'
import type {Problem} from '../problem.js'
import type {AggregateDefinition, TableDefinition} from '../../schema/definition.js'
import type {JudgedPolicy, NotDoneCode, PolicyAdvice, RuleText} from '../status-types.js'
import type {PolicyWork, WorkRequest} from '../work.js'
import type {LiveRule, TableState} from '../table-state.js'

/**
 * One kind of policy: how its rule is read, compared, applied, described and checked. A new kind is one module that
 * exports one of these, a line in the registry (index.ts), a line in engines/policy-kinds.ts that names TimescaleDB's
 * procedure, its rule in config/schema.ts, and a command that sets it by hand.
 */
export interface PolicyKind<Rule, Desired, Own extends ChangeBase, Facts = null, Written = Rule> {
  /** As configurations, commands and qicore.policies call it. */
  readonly name: PolicyKindName
  /** The `do` of the changes that {@link diff} gives and {@link steps} carries out. */
  readonly changes: readonly Own['do'][]
  /** What each of several policies of one table does; null where several are usual. */
  readonly eachOfSeveral: string | null
  /** The rule that a configuration writes, over the definitions' default where there is one. */
  declare(written: Written, before: Rule | undefined): Rule
  /** The default that a definition has; undefined for none. */
  fromDefinition(definition: TableDefinition | AggregateDefinition): Rule | undefined
  /** Whether its policies here are rows of qicore.policies, and not jobs of TimescaleDB alone. */
  isRow(engine: EngineKind): boolean
  /** Why a table cannot have it here; null where it can. */
  impossible(place: Place): Impossible | null
  /** What a plan says of a rule that is carried out in another way than it was declared. */
  remarks?(rule: Rule, place: Place): string[]
  /** The rule on its table's own scale; null where it has a mistake, which is reported to the reader. */
  desired(rule: Rule, reader: RuleReader): Desired | null
  /** What has to change so that the table has this rule; empty where it has it. */
  diff(desired: Desired, context: DiffContext): Own[]
  /** The steps of one change, each a transaction of its own. */
  steps(change: Own, context: StepContext): Step[]
  /** The table as it is after the change. */
  project(state: TableState, change: Own): TableState
  /** Whether TimescaleDB will run the change's job as the owner of the table. */
  runsAsOwner(change: Own): boolean
  /** A declared rule as reports show it. */
  ruleText(rule: Rule): RuleText
  /** The same of a live rule. */
  liveText(rule: LiveRule, state: TableState): RuleText
  /** A rule of either text in one cell of a table. */
  cell(text: RuleText): string
  /** How what is not done is said, where that is not `2 chunks were <why>`; null: as usual. */
  notDoneInWords?(code: NotDoneCode, counted: Counted): string | null
  /** A declared rule in a few words: `30 days`. */
  inWords(rule: Rule): string
  /** The same of a live rule. */
  liveInWords(rule: LiveRule, scale: Scale): string
  /** A live rule as a configuration says it, or why a configuration cannot. */
  toConfig(rule: LiveRule, state: TableState): {value: ConfigValue} | {cannot: string}
  /** What {@link work} needs beside the catalog, of all live policies of the kind at once. */
  readFacts(db: Database, policies: readonly LivePolicy[], snapshot: CatalogSnapshot): Promise<Facts>
  /** What the policy should have done by now, by what is in the database: what a job says of itself is no proof. */
  work(request: WorkRequest, facts: Facts): Promise<PolicyWork>
  /** What to do about work that is not done, in sentences of at most one command, none of which deletes rows. */
  advice(status: JudgedPolicy, context: FindingContext): PolicyAdvice[]
}

/** What every change has. */
export interface ChangeBase {
  do: string
  /** The table or aggregate. */
  key: string
  /** What differs, for people: `after: 30 days, was 7 days`. */
  why: readonly string[]
}

export interface Counted {
  count: number
  /** ` chunks`, ` range`; empty where the sentence has said it. */
  noun: string
}

/** What decides whether a kind is possible. */
export interface Place {
  kind: Table['kind']
  /** TimescaleDB's own: a hypertable or a continuous aggregate. */
  native: boolean
  engine: EngineKind
}

export interface Impossible {
  code: 'NOT_POSSIBLE_HERE' | 'NOT_AN_AGGREGATE' | 'NOT_A_HYPERTABLE'
  /** A clause about the table: `compression is TimescaleDB's community edition only`. */
  why: string
  suggestions: readonly string[]
}

/** Reads a rule of a configuration against its table. */
export interface RuleReader {
  state: TableState
  /** Where the rule is in the configuration: `tables.public.t.compression`. */
  place: string
  problems: Problem[]
  /** An age on the table's own scale; null where it has none, which is then a problem. */
  offset(field: string, duration: Duration): Offset | null
}

export interface DiffOptions {
  engine: EngineKind
  maxDropPerRun: number
}

export interface DiffContext extends DiffOptions {
  state: TableState
  /** The engine's own scheduler can run policies of this table. */
  scheduled: boolean
  /** The live rules of the kind. */
  rules: readonly LiveRule[]
  problems: Problem[]
}

/** A value of a configuration: text, lists and one level of fields. */
export type ConfigValue = string | boolean | readonly string[] | {[field: string]: ConfigValue}
