import {qualifiedName} from '../../../catalog/table.js'
import {parseQualifiedName} from '../../../db/qualified-name.js'
import {partitionsDefined} from '../../../partitions/declared.js'
import type {SetFinding} from '../../../partitions/findings.js'
import {readPartitions, type PartitionRow, type SetReport} from '../../../partitions/list.js'
import type {CheckContext} from '../../context.js'
import type {Finding, Fix, Severity} from '../../finding.js'

/** A set with the rows of its partitions. */
export interface KnownSet {
  set: SetReport
  partitions: PartitionRow[]
  /** An age is declared after which its partitions go. */
  retained: boolean
}

/** The sets that doctor looks at, without sizes: what is wrong with them is decided by the room of partitions. */
export const readKnownSets = (context: CheckContext): Promise<KnownSet[]> => context.once(knownSets)

async function knownSets(context: CheckContext): Promise<KnownSet[]> {
  const {table, partitions: rulesOf} = context.request
  let relation: string | null = null
  if (table !== undefined) {
    const {tables} = await context.snapshot()
    if (tables[0]?.kind !== 'partitioned') return []
    relation = qualifiedName(tables[0])
  }
  const rules = rulesOf === undefined ? [] : rulesOf(await partitionsDefined(context.db))
  const {tables, partitions} = await readPartitions(context.db, rules, relation, false)
  return tables.map((set) => ({
    set,
    partitions: partitions.filter((row) => row.schema === set.schema && row.table === set.table),
    retained: rules.some((rule) => rule.retention !== null && namesSet(rule.relation, set)),
  }))
}

function namesSet(name: string, set: SetReport): boolean {
  const {schema, name: table} = parseQualifiedName(name)
  return table === set.table && (schema ?? 'public') === set.schema
}

export function setFinding(
  {set}: KnownSet,
  severity: Severity,
  message: string,
  fix: Fix,
  data: Finding['data'] = {},
): Finding {
  return {
    severity,
    object: {schema: set.schema, table: set.table},
    message,
    data: {managed: set.managed, partitions: set.partitions, ...data},
    fix,
  }
}

/** What the room of partitions found, of some kinds; of sets that another tool manages nothing. */
export function foundIn(known: KnownSet, kinds: readonly SetFinding['kind'][]): SetFinding[] {
  return known.set.managedBy === 'pg_partman' ? [] : known.set.findings.filter(({kind}) => kinds.includes(kind))
}
