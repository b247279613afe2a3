import {formatQualifiedName} from '../../../db/qualified-name.js'
import {addInterval} from '../../../catalog/interval.js'
import {instantOf, microsOf} from '../../../catalog/time.js'
import {formatInstant, secondsBetween, type Instant} from '../../../units/instant.js'
import {command} from '../../../units/command.js'
import {gridOf, type Every} from '../../../units/period.js'
import {everyOfDays} from '../../../partitions/create/create.js'
import type {Check} from '../../check.js'
import type {Finding, Fix} from '../../finding.js'
import {commandFix} from '../../shared.js'
import {asSentence} from '../../../units/sentence.js'
import {foundIn, readKnownSets, setFinding, type KnownSet} from './sets.js'

/** A set that ends sooner is seen to at once: a weekend lies between a finding and its fix. */
const soonDays = 7

/** The periods of an undeclared set, by its newest partition that has two ends. */
function everyOf({partitions}: KnownSet): Every {
  const newest = partitions.find(({from, to}) => from !== null && to !== null)
  const seconds = newest === undefined ? null : secondsBetween(newest.from!, newest.to!)
  return (seconds === null ? null : everyOfDays(seconds / 86_400)) ?? 'month'
}

/** The beginning of a range as `partitions create` takes it: a whole month, a day, or the instant. */
function label(at: Instant, every: Every): string {
  const {hours} = gridOf(every)
  if (hours === 0) return at.slice(0, 7)
  return hours % 24 === 0 ? at.slice(0, 10) : at
}

/** Of declared sets the command that makes what is missing; of others one that makes three periods more. */
function makeFix(known: KnownSet, now: Instant): Fix {
  const {set} = known
  if (set.managed) return commandFix(command('partitions ensure'))
  const every = everyOf(known)
  const from = set.insertsUntil !== null && set.insertsUntil > now ? set.insertsUntil : now
  const {months, hours} = gridOf(every)
  const three = {months: months * 3, days: Math.floor(hours / 24) * 3, seconds: (hours % 24) * 3 * 3600}
  const until = instantOf(addInterval(microsOf(from), three)) ?? from
  const flags = {from: label(from, every), to: label(until, every), every}
  return commandFix(command('partitions create', [formatQualifiedName(set.schema, set.table)], flags))
}

function missingNow(known: KnownSet, now: Instant): Finding[] {
  const {set} = known
  const wrong = foundIn(known, ['now missing', 'ends']).filter(
    ({kind}) => kind === 'now missing' || (set.daysLeft === 0 && !coversNow(known, now)),
  )
  return wrong.map(({message}) =>
    setFinding(
      known,
      set.defaultPartition === null ? 'critical' : 'warning',
      asSentence(message),
      makeFix(known, now),
      {
        insertsUntil: set.insertsUntil,
        hasDefault: set.defaultPartition !== null,
      },
    ),
  )
}

function coversNow({partitions}: KnownSet, now: Instant): boolean {
  return partitions.some(
    ({from, to, isDefault, detachPending}) =>
      !isDefault && !detachPending && (from === null || from <= now) && (to === null || to > now),
  )
}

function missingAhead(known: KnownSet, now: Instant): Finding[] {
  const {set} = known
  if (set.managedBy === 'pg_partman' || !coversNow(known, now)) return []
  const found = foundIn(known, ['ahead missing', 'ends']).map(({message}) => asSentence(message))
  const soon = set.daysLeft !== null && set.daysLeft < soonDays
  // The room of partitions reports an undeclared set when its last partition is that of now.
  if (found.length === 0 && soon && !set.managed && set.insertsUntil !== null)
    found.push(
      `Its partitions end: inserting fails from ${formatInstant(set.insertsUntil)} on, in ${set.daysLeft} days.`,
    )
  return found.map((message) =>
    setFinding(known, soon ? 'critical' : 'warning', message, makeFix(known, now), {
      insertsUntil: set.insertsUntil,
      daysLeft: set.daysLeft,
      missing: set.missing.length,
    }),
  )
}

function gaps(known: KnownSet): Finding[] {
  const {set} = known
  const [gap] = set.gaps
  if (gap === undefined || set.managedBy === 'pg_partman') return []
  const every = everyOf(known)
  const last = gap.to === null ? null : instantOf(microsOf(gap.to) - 1n)
  const range = {from: gap.from && label(gap.from, every), to: last && label(last, every), every}
  return foundIn(known, ['gap']).map(({message}) =>
    setFinding(
      known,
      set.defaultPartition === null ? 'critical' : 'warning',
      `${asSentence(message)} Rows of that time ` +
        `${set.defaultPartition === null ? 'are refused' : 'go to the default partition'}.`,
      commandFix(command('partitions create', [formatQualifiedName(set.schema, set.table)], range)),
      {gaps: set.gaps.length, from: gap.from, to: gap.to},
    ),
  )
}

export const coverageChecks: readonly Check[] = [
  {
    id: 'partitions.now_missing',
    about: 'tables',
    passes: 'Every partition set has a current partition.',
    problem: 'partition sets without a current partition',
    run: async (context) => (await readKnownSets(context)).flatMap((known) => missingNow(known, context.server.now)),
  },
  {
    id: 'partitions.ahead_missing',
    about: 'tables',
    passes: 'Every partition set reaches beyond now.',
    problem: 'partition sets that end soon',
    run: async (context) => (await readKnownSets(context)).flatMap((known) => missingAhead(known, context.server.now)),
  },
  {
    id: 'partitions.gap',
    about: 'tables',
    passes: 'No partition set has a gap.',
    problem: 'partition sets with gaps',
    run: async (context) => (await readKnownSets(context)).flatMap(gaps),
  },
]
