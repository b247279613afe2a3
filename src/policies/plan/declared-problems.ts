import {whyNotTable} from '../../catalog/resolve-table.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import type {Database} from '../../db/database.js'
import type {Server} from '../../db/server.js'
import {usageError, type OpsError} from '../../errors.js'
import {declaredName, type Declared} from '../declared/declared.js'
import {policyKinds} from '../kinds/index.js'
import {placeOf} from '../place.js'
import type {Problem} from './problem.js'

/** The problem of a declaration whose table is not a time-series table of this database. */
export async function missingTable(db: Database, tables: readonly Table[], each: Declared): Promise<Problem> {
  const key = declaredName(each)
  const {code, message, suggestions} = await whyNotTable(db, tables, key)
  return {code, message: `${each.section}.${key}: ${message}`, suggestion: suggestions[0] ?? ''}
}

/** The problem of a declaration in the wrong section of the configuration; null if there is none. */
export function sectionProblem({section}: Declared, table: Table): Problem | null {
  const key = qualifiedName(table)
  if (section === 'tables' && table.kind === 'aggregate')
    return {code: 'CONFIG', message: `tables.${key}: this is an aggregate.`, suggestion: 'Write it under aggregates.'}
  if (section === 'aggregates' && table.kind !== 'aggregate')
    return {
      code: 'NOT_AN_AGGREGATE',
      message:
        `aggregates.${key}: this is not an aggregate, but a ` +
        `${table.kind === 'hypertable' ? 'hypertable' : 'partitioned table'}.`,
      suggestion: 'Write it under tables.',
    }
  return null
}

/** Notes about what the configuration declares and this engine cannot do. The definitions suit every engine. */
export function impossibleHere(each: Declared, table: Table, server: Server): string[] {
  if (each.from !== 'config') return []
  const key = qualifiedName(table)
  const place = placeOf(table, server)
  const noChunks = each.chunkInterval !== undefined && table.id === null
  return [
    ...(noChunks ? [`${key}: it has no chunks; chunkInterval is not applied here.`] : []),
    ...policyKinds.flatMap((kind) => {
      const rule = each[kind.name]
      if (rule === undefined || rule === 'none') return []
      const impossible = kind.impossible(place)
      if (impossible !== null) return [`${key}: ${impossible.why}; not applied here.`]
      return (kind.remarks?.(rule, place) ?? []).map((remark) => `${key}: ${remark}`)
    }),
  ]
}

/** One error for all problems of the declarations. */
export function policyProblemsError(problems: readonly Problem[]): OpsError {
  const suggestions = [...new Set(problems.map(({suggestion}) => suggestion).filter(Boolean))]
  const [first] = problems
  const message =
    problems.length === 1
      ? `${first!.message} Nothing was done.`
      : [
          `${problems.length} mistakes:`,
          ...problems.map((problem) => `- ${problem.message}`),
          'Nothing was done.',
        ].join('\n')
  return usageError(first!.code, message, suggestions)
}
