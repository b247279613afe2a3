import {policyKindNames, type PolicyKindName} from '../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName} from '../../catalog/table.js'
import type {Database} from '../../db/database.js'
import {command} from '../../units/command.js'
import {declaredName, type Declared} from '../declared/declared.js'
import {kindNamed} from '../kinds/index.js'
import {placeOf} from '../place.js'
import {sectionProblem} from '../plan/declared-problems.js'
import type {Problem} from '../plan/problem.js'
import type {PolicyState} from '../read-state.js'
import {withProblems} from './findings.js'
import {declaredText} from './rule-text.js'
import {runnerOf, type Runners} from './runners.js'
import {fixBy, notLive, policyProblem, type PolicyProblem, type PolicyStatus} from './types.js'

/** What was read of the database. */
interface MissingFacts {
  state: PolicyState
  runners: Runners
  ownReadable: boolean
}

/** Whether a policy is declared and not live. */
export function isUnapplied(declared: Declared, kind: PolicyKindName, {policies}: CatalogSnapshot): boolean {
  const rule = declared[kind]
  if (rule === undefined || rule === 'none') return false
  return !policies.some((policy) => qualifiedName(policy.table) === declaredName(declared) && policy.kind === kind)
}

/**
 * The status of policies that are declared but not in the database.
 * @param unfit the partitioned tables on which a retention cannot be applied, by `schema.table`
 */
export function missingStatus(
  declared: Declared,
  db: Database,
  {state: {snapshot}, runners, ownReadable}: MissingFacts,
  unfit: ReadonlyMap<string, Problem>,
): PolicyStatus[] {
  const table = snapshot.tables.find((candidate) => qualifiedName(candidate) === declaredName(declared))
  if (table === undefined) return []
  const place = placeOf(table, db.server)
  const misplaced = sectionProblem(declared, table)
  const refused = (kind: PolicyKindName) =>
    misplaced ?? (kind === 'retention' ? unfit.get(qualifiedName(table)) : undefined)
  return policyKindNames
    .filter((kind) => isUnapplied(declared, kind, snapshot))
    .filter((kind) => misplaced !== null || kindNamed(kind).impossible(place) === null)
    .map((kind): PolicyStatus => {
      // Every role sees jobs of TimescaleDB, but qicore.policies may have a row that this role may not read.
      const known = ownReadable || !kindNamed(kind).isRow(db.server.engine)
      const {runner, alive} = known
        ? runnerOf(null, kind, qualifiedName(table), runners)
        : {runner: 'unknown' as const, alive: null}
      return withProblems(
        {
          schema: table.schema,
          table: table.name,
          kind,
          managed: true,
          runner,
          runnerAlive: alive,
          gated: false,
          declared: declaredText(declared, kind),
          ...notLive,
          ok: known ? false : null,
        },
        [
          known
            ? missingProblem(refused(kind))
            : policyProblem('no_privilege', 'not known: this role may not read qicore.policies'),
        ],
      )
    })
}

/** A declared policy that is not live. @param unfit why apply refuses it */
function missingProblem(unfit: Problem | undefined): PolicyProblem {
  const missing = 'declared, but not in the database'
  return unfit === undefined
    ? policyProblem('missing', missing, fixBy(command('policies apply')))
    : policyProblem('missing', `${missing}. ${unfit.message.replace(/\.$/, '')}`, fixBy(unfit.suggestion, 'advice', ''))
}
