import {plural} from '../units/plural.js'
import type {Server} from '../db/server.js'
import type {TableClock} from '../catalog/table-clock.js'
import type {LivePolicy, Offset, PolicyKindName} from '../catalog/live-policies.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {durationInWords, type Duration} from '../units/duration.js'
import {alterJobSql} from '../policies/plan/job-sql.js'
import {isProblem, sameOffset, toOffset} from '../policies/offsets.js'
import {offsetInWords, type Scale} from '../catalog/offset-words.js'
import {cutoffOf} from './range.js'
import {command} from '../units/command.js'

/** A table and its policies, for notes about commands that conflict with them. */
export interface Rules {
  table: Table
  clock: TableClock
  policies: readonly LivePolicy[]
  /** The declared age; null if none is declared. */
  declared: Duration | null
}

/** Notes about chunks that are too young for the policy, and about a live policy that differs from the declared one. */
export function compressionDisagrees(rules: Rules, chunks: readonly Chunk[]): string[] {
  const [live] = ofKind(rules, 'compression')
  const after = live?.after ?? rules.declared
  const early = after === null ? [] : chunks.filter((chunk) => !isDue(rules, chunk, after))
  return [
    ...(early.length > 0
      ? [
          `${youngWords(early.length, chunks.length)} younger than the ${live ? 'live' : 'declared'} policy's ` +
            `${offsetInWords(after, scaleOf(rules))}: later rows for ${early.length === 1 ? 'it' : 'them'} are ` +
            'inserted into compressed chunks.',
        ]
      : []),
    ...declaredOtherwise(rules, live, 'compression'),
  ]
}

/** Notes about the policy that will compress decompressed chunks again: when, and how to pause it. */
export function compressedAgain(rules: Rules, chunks: readonly Chunk[], server: Server): string[] {
  return ofKind(rules, 'compression').flatMap((policy) => {
    const again = policy.after === null ? chunks : chunks.filter((chunk) => isDue(rules, chunk, policy.after!))
    if (again.length === 0) return []
    const what = `${plural(again.length, 'chunk')} of these will be compressed again by`
    if (policy.job === null)
      return [
        `${what} qicore-db, which runs the declared policy (${offsetInWords(policy.after, scaleOf(rules))}). To ` +
          `pause that: ${command('jobs pause', ['maintain'])}`,
      ]
    if (!policy.job.scheduled) return [`Job ${policy.job.id}, which would compress them again, is paused.`]
    const next = policy.job.nextStart === null ? '' : `, next at ${policy.job.nextStart}`
    return [
      `${what} the policy of TimescaleDB's job ` +
        `${policy.job.id}${policy.after === null ? '' : ` (${offsetInWords(policy.after, scaleOf(rules))})`}${next}. ` +
        `To pause it: ${alterJobSql(server, policy.job.id, false)}`,
    ]
  })
}

/** Notes about chunks that the retention would keep, and about a live policy that differs from the declared one. */
export function retentionDisagrees(rules: Rules, chunks: readonly Chunk[]): string[] {
  const [live] = ofKind(rules, 'retention')
  const keep = rules.declared ?? live?.after ?? null
  const early = keep === null ? [] : chunks.filter((chunk) => !isDue(rules, chunk, keep))
  return [
    ...(early.length > 0
      ? [
          `${youngWords(early.length, chunks.length)} younger than the ${rules.declared ? 'declared' : 'live'} ` +
            `retention of ${offsetInWords(keep, scaleOf(rules))}.`,
        ]
      : []),
    ...declaredOtherwise(rules, live, 'retention'),
  ]
}

function declaredOtherwise(rules: Rules, live: LivePolicy | undefined, kind: PolicyKindName): string[] {
  const {declared, table} = rules
  if (declared === null) return []
  const scale = scaleOf(rules)
  const words = durationInWords(declared)
  if (live === undefined)
    return [
      `${capitalized(kind)} of ${qualifiedName(table)} is declared (${words}), but there is no live policy: ` +
        `${command('policies plan')}`,
    ]
  const wanted = toOffset(declared, scale)
  if (live.after === null || isProblem(wanted) || sameOffset(live.after, wanted)) return []
  return [
    `${capitalized(kind)} of ${qualifiedName(table)} is declared as ${words}, but the live policy has ` +
      `${offsetInWords(live.after, scale)}: ${command('policies plan')}`,
  ]
}

function scaleOf({table, clock}: Rules): Scale {
  return table.time === 'integer' ? (clock.unit ?? 'unknown') : 'time'
}

function ofKind({policies, table}: Rules, kind: PolicyKindName): LivePolicy[] {
  return policies.filter((policy) => policy.kind === kind && policy.table === table)
}

/** True if it is not known: the notes must only name chunks that are certainly too young. */
function isDue({table, clock}: Rules, {end}: Chunk, after: Offset): boolean {
  if (
    end === null ||
    clock.now === null ||
    (table.time === 'integer' && typeof after !== 'bigint' && clock.unit === null)
  )
    return true
  return end <= (typeof after === 'bigint' ? clock.now - after : cutoffOf(table, clock, {age: after}).point)
}

function youngWords(young: number, all: number): string {
  if (young < all) return `${plural(young, 'chunk')} of ${all} ${young === 1 ? 'is' : 'are'}`
  return all === 1 ? 'The chunk is' : `All ${all} chunks are`
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
