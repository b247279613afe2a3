import {Flags} from '@oclif/core'
import {parseCalendarBound, type CalendarBound} from '../units/calendar.js'
import {parseDuration, type Duration} from '../units/duration.js'
import {parseInstant, type Instant} from '../units/instant.js'
import {parseOlderThan, parseRangeBound, type OlderThan, type RangeBound} from '../units/range.js'

/** Flags of every command. */
export const globalFlags = {
  url: Flags.string({
    summary: 'Database: postgres://… or embedded:<directory>. A password here is visible in ps.',
    helpGroup: 'GLOBAL',
    helpValue: '<url>',
  }),
  target: Flags.string({summary: 'Target of the configuration.', helpGroup: 'GLOBAL', helpValue: '<name>'}),
  config: Flags.string({
    summary: 'Configuration file; default: qicore-db.config.yaml here or in a parent directory.',
    helpGroup: 'GLOBAL',
    helpValue: '<file>',
  }),
  role: Flags.string({
    summary: 'Role for changes, which then owns what they create.',
    helpGroup: 'GLOBAL',
    helpValue: '<name>',
  }),
  'lock-timeout': Flags.custom<Duration>({
    summary: 'Time that a step waits for a lock; default: 2s.',
    helpGroup: 'GLOBAL',
    helpValue: '<duration>',
    parse: async (input) => parseDuration(input),
  })(),
  wait: Flags.custom<Duration>({
    summary: 'Time to wait for a lock that another run or session holds, instead of exit 5.',
    helpGroup: 'GLOBAL',
    helpValue: '<duration>',
    parse: async (input) => parseDuration(input),
  })(),
  quiet: Flags.boolean({
    char: 'q',
    summary: 'Omit heading and progress on stderr; warnings and errors are still printed.',
    helpGroup: 'GLOBAL',
  }),
}

/** Flags of every command that changes something. */
export const changeFlags = {
  'dry-run': Flags.boolean({
    summary: 'Show the plan and change nothing; prints runnable SQL if stdout is not a terminal.',
    helpGroup: 'CHANGE',
  }),
  sql: Flags.boolean({
    summary: 'With --dry-run: print the SQL on a terminal too.',
    dependsOn: ['dry-run'],
    helpGroup: 'CHANGE',
  }),
  yes: Flags.boolean({
    char: 'y',
    summary: 'Skip the prompt for changes that are hard to undo, unless the target is protected.',
    helpGroup: 'CHANGE',
  }),
  confirm: Flags.string({
    summary: "Confirm data loss, or a change of a protected target, by repeating the target's name.",
    helpGroup: 'CHANGE',
    helpValue: '<name>',
  }),
  accept: Flags.string({
    summary: 'Make the change in spite of a known defect of the server, by its id; may be repeated.',
    multiple: true,
    default: [],
    // Without it, help prints "[default: ]".
    defaultHelp: async () => '',
    helpGroup: 'CHANGE',
    helpValue: '<id>',
  }),
  'at-most': Flags.integer({summary: 'Stop after n steps.', min: 1, helpGroup: 'CHANGE', helpValue: '<n>'}),
}

/** For changes that lose nothing and are a single step, so there is nothing to confirm or to limit. */
export const safeChangeFlags = {'dry-run': changeFlags['dry-run'], sql: changeFlags.sql}

/** `7d`, `6mon`, "6 months"; `m` and bare numbers are rejected. */
export const durationFlag = Flags.custom<Duration>({
  parse: async (input) => parseDuration(input),
  helpValue: '<duration>',
})

/** ISO 8601, UTC unless it has an offset. */
export const instantFlag = Flags.custom<Instant>({parse: async (input) => parseInstant(input), helpValue: '<instant>'})

/** For commands whose steps can run in parallel. */
export const workersFlag = Flags.integer({
  summary: 'Number of sessions that work in parallel.',
  default: 1,
  min: 1,
  max: 32,
  helpGroup: 'CHANGE',
  helpValue: '<n>',
})

/** An age, an instant, or a value of an integer time column: `7d`, `2026-01-31`, `12000`. */
export const olderThanFlag = Flags.custom<OlderThan>({
  parse: async (input) => parseOlderThan(input),
  helpValue: '<age|instant|integer>',
})

const boundFlag = Flags.custom<CalendarBound>({
  parse: async (input) => parseCalendarBound(input),
  helpValue: '<instant>',
})

const pointFlag = Flags.custom<RangeBound>({
  parse: async (input) => parseRangeBound(input),
  helpValue: '<instant|integer>',
})

/** A half-open range of a table with chunks, whose time column may be an integer; either end may be omitted. */
export const pointRangeFlags = {
  from: pointFlag({
    summary: 'First month, day or instant (UTC unless it has an offset); an integer if the time column is one.',
  }),
  to: pointFlag({
    summary: 'Last month (included), or the day, instant or integer before which the range ends.',
  }),
}

/** A half-open range of calendar dates and instants; either end may be omitted. */
export const rangeFlags = {
  from: boundFlag({summary: 'First month, day or instant (UTC unless it has an offset).'}),
  to: boundFlag({summary: 'Last month (included), or the day or instant before which the range ends.'}),
}
