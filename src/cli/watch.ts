import {Flags} from '@oclif/core'
import {parseDuration, type Duration} from '../units/duration.js'
import {usageError} from '../errors.js'
import {canRewrite} from './status-line.js'

/** `--watch`; `--every` sets the interval. */
export const watchFlags = {
  watch: Flags.boolean({
    char: 'w',
    summary: 'Repeat until interrupted: redraws on a terminal; one JSON document a line under --json.',
    helpGroup: 'OUTPUT',
  }),
  every: Flags.custom<Duration>({
    parse: async (input) => parseDuration(input),
    summary: 'With --watch: time between two readings; default: 2s.',
    dependsOn: ['watch'],
    helpGroup: 'OUTPUT',
    helpValue: '<duration>',
  })(),
}

/** Seconds. A shorter interval would put noticeable load on the server. */
const shortest = 0.5

/**
 * Milliseconds between two readings.
 * @throws OpsError WATCH
 */
export function pauseOf(every: Duration | undefined): number {
  if (every === undefined) return 2_000
  const {months, days, seconds} = every
  if (months > 0 || days > 0 || seconds < shortest)
    throw usageError('WATCH', 'The time between two readings must be at least 0.5s and less than a day.', [
      'Write for example --every 5s.',
    ])
  return seconds * 1000
}

const home = '\x1b[H'
const clearDown = '\x1b[J'
const clearRight = '\x1b[K'

/**
 * The stdout text of one reading. On a terminal it replaces the previous one and is truncated to the height, with a
 * count of the hidden lines; elsewhere it follows the previous one after an empty line.
 * @param first whether this is the first reading
 */
export function frame(text: string, stream: NodeJS.WriteStream, first: boolean): string {
  if (!canRewrite(stream)) return `${first ? '' : '\n'}${text}\n`
  const lines = text.split('\n')
  const room = Math.max(2, (stream.rows || 24) - 1)
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, room - 1), ` … ${lines.length - room + 1} more lines (use --limit or a taller terminal)`]
  return `${first ? '\x1b[2J' : ''}${home}${shown.map((line) => `${line}${clearRight}\n`).join('')}${clearDown}`
}
