import {plural} from '../../../units/plural.js'
import {microsIn} from '../../../catalog/table-clock.js'
import type {CatalogSnapshot} from '../../../catalog/snapshot.js'
import {qualifiedName, type Chunk, type Table} from '../../../catalog/table.js'
import {instantOf, microsOf} from '../../../catalog/time.js'
import {formatQualifiedName} from '../../../db/qualified-name.js'
import {literal} from '../../../db/sql.js'
import {can} from '../../../engines/index.js'
import {instantInWords} from '../../../units/instant.js'
import type {Check} from '../../check.js'
import type {Finding} from '../../finding.js'
import {advice, objectOf} from '../../shared.js'

/** A forecast reaches months ahead; a unit that was taken for another one, decades. */
const farAhead = 366n * 86_400_000_000n
/** The first block of Bitcoin: what is older is a date of 1970 or 2000 that stands for "not known". */
const earliest = microsOf('2009-01-03T00:00:00Z')

interface Side {
  code: 'ahead' | 'before2009'
  isWrong(start: bigint, end: bigint, now: bigint): boolean
  where: string
  follows: string
  /** The argument of show_chunks and drop_chunks that names these chunks. */
  argument(chunks: readonly Chunk[]): string
}

const instantArgument = (name: string, point: bigint) =>
  `${name} => timestamptz ${literal(instantOf(point) ?? 'infinity').text}`

const sides: readonly Side[] = [
  {
    code: 'ahead',
    isWrong: (start, _, now) => start > now + farAhead,
    where: 'more than a year ahead',
    follows:
      'Retention never drops them, compression never reaches them, and an aggregate that has computed them shows ' +
      'no newer rows of now until the next refresh.',
    argument: (chunks) => instantArgument('newer_than', least(chunks.flatMap(({start}) => start ?? []))),
  },
  {
    code: 'before2009',
    isWrong: (_, end) => end <= earliest,
    where: 'before 2009',
    follows: 'Most often the unit of the time was mistaken, or a zero stands for "not known".',
    argument: (chunks) => instantArgument('older_than', greatest(chunks.flatMap(({end}) => end ?? []))),
  },
]

const least = (points: readonly bigint[]) => points.reduce((a, b) => (b < a ? b : a))
const greatest = (points: readonly bigint[]) => points.reduce((a, b) => (b > a ? b : a))

function findingsOf(table: Table, {clocks, at}: CatalogSnapshot, schema: string): Finding[] {
  const clock = clocks.get(table)!
  // Chunks of a table by integers begin and end at instants only where its unit is known.
  const placed = table.chunks.flatMap((chunk) => {
    const start = chunk.start === null ? null : microsIn(chunk.start, table, clock)
    const end = chunk.end === null ? null : microsIn(chunk.end, table, clock)
    return start === null || end === null ? [] : [{chunk, start, end}]
  })
  return sides.flatMap((side) => {
    const wrong = placed.filter(({start, end}) => side.isWrong(start, end, microsOf(at)))
    // History that is mostly that old, or forecasts, are what the table is for.
    if (wrong.length === 0 || wrong.length * 2 > placed.length) return []
    return [sideFinding(table, side, wrong, schema)]
  })
}

function sideFinding(
  table: Table,
  side: Side,
  wrong: readonly {chunk: Chunk; start: bigint; end: bigint}[],
  schema: string,
): Finding {
  const from = instantOf(least(wrong.map(({start}) => start)))
  const until = instantOf(greatest(wrong.map(({end}) => end)))
  const chunks = wrong.map(({chunk}) => chunk)
  const name = literal(qualifiedName(table)).text
  const argument = table.time === 'integer' ? null : side.argument(chunks)
  const remove =
    argument === null
      ? `delete them from ${qualifiedName(table)}`
      : `select ${formatQualifiedName(schema, 'drop_chunks')}(${name}, ${argument})`
  return {
    severity: 'warning',
    object: objectOf(table),
    message:
      `Rows dated ${side.where}: ${plural(chunks.length, 'chunk')} between ` +
      `${instantInWords(from ?? 'the beginning')} and ${instantInWords(until ?? 'the end')}. ${side.follows}`,
    data: {side: side.code, chunks: chunks.length, from, until},
    fix: advice(`Look at the rows. If they are wrong: ${remove}`),
  }
}

export const dateChecks: readonly Check[] = [
  {
    id: 'chunks.far_dates',
    about: 'tables',
    applies: ({engine}) => can(engine, 'hypertables'),
    passes: 'No chunk is dated more than a year ahead or before 2009.',
    problem: 'rows with dates that are far from now',
    async run(context) {
      const snapshot = await context.snapshot()
      return snapshot.tables
        .filter(({kind}) => kind === 'hypertable')
        .flatMap((table) => findingsOf(table, snapshot, context.server.timescaledbSchema!))
    },
  },
]
