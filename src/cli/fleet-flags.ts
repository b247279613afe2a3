import {Flags} from '@oclif/core'
import {usageError} from '../errors.js'
import {durationFlag} from './flags.js'

/** Flags that select many targets. */
export const targetsFlags = {
  targets: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    summary: "Many targets instead of one: names, groups and patterns ('prod-*').",
    helpGroup: 'TARGET',
    helpValue: '<names>',
    exclusive: ['url', 'target', 'all-targets'],
  }),
  'all-targets': Flags.boolean({
    summary: 'All targets of the configuration.',
    helpGroup: 'TARGET',
    exclusive: ['url', 'target', 'targets'],
  }),
}

/** Flags of every report and check that can read many targets. */
export const fleetFlags = {
  ...targetsFlags,
  parallel: Flags.integer({
    summary: 'Targets that are read at the same time; default: 4, at most 2 of one server.',
    min: 1,
    max: 64,
    helpGroup: 'TARGET',
    helpValue: '<n>',
  }),
  'target-timeout': durationFlag({
    summary: 'Time that one target may take; default: 60s.',
    helpGroup: 'TARGET',
  }),
  'fail-on-unreachable': Flags.option({
    options: ['always', 'never'] as const,
    summary: 'never: a target that cannot be reached does not change the exit code; default: always.',
    helpGroup: 'TARGET',
  })(),
  tables: Flags.boolean({
    summary: 'All rows of all targets in one table, instead of one line for each target.',
    helpGroup: 'TARGET',
  }),
  jsonl: Flags.boolean({
    summary: 'One JSON line for each target as soon as it has been read.',
    helpGroup: 'TARGET',
  }),
}

/** Flags of every change that can be made on many targets. */
export const fleetChangeFlags = {
  ...targetsFlags,
  parallel: Flags.integer({
    summary: 'Targets that are changed at the same time; default: 4, at most 2 of one server.',
    min: 1,
    max: 64,
    helpGroup: 'TARGET',
    helpValue: '<n>',
  }),
  'target-timeout': durationFlag({
    summary: 'Time that one target may take; default: 10min.',
    helpGroup: 'TARGET',
  }),
  canary: Flags.string({
    summary: 'Target to change first, alone; default: the first one that has something to do.',
    helpGroup: 'TARGET',
    helpValue: '<name>',
  }),
  'stop-after': Flags.integer({
    summary: 'Begin no other target after this many failures; default: 1.',
    min: 1,
    helpGroup: 'TARGET',
    helpValue: '<n>',
  }),
  jsonl: Flags.boolean({
    summary: 'One JSON line for each target as soon as it is complete.',
    helpGroup: 'TARGET',
  }),
}

const needTargets = [
  'parallel',
  'target-timeout',
  'fail-on-unreachable',
  'tables',
  'jsonl',
  'canary',
  'stop-after',
] as const

/**
 * The targets that the flags request; null: one database.
 * @throws OpsError USAGE for flags that apply to many targets only, for --watch and --wait, and for another format
 * beside --jsonl
 */
export function requestedTargets(flags: Record<string, unknown>): readonly string[] | 'all' | null {
  const requested = flags['all-targets'] === true ? 'all' : ((flags.targets as string[] | undefined) ?? null)
  if (requested !== null && flags.watch === true)
    throw usageError('USAGE', '--watch reads one database.', ['Omit --watch, or select one with --target.'])
  // A target that another process has open is a line with exit code 5, and the others are read.
  if (requested !== null && flags.wait !== undefined)
    throw usageError('USAGE', '--wait is for one database.', ['Omit --wait, or select one with --target.'])
  const alone = needTargets.find((name) => flags[name] !== undefined && flags[name] !== false)
  if (requested === null && alone !== undefined)
    throw usageError('USAGE', `--${alone} is for many targets.`, ['Add --targets or --all-targets.'])
  const other = ['json', 'csv', 'format', 'tables'].find((name) => flags[name] !== undefined && flags[name] !== false)
  if (flags.jsonl === true && other !== undefined)
    throw usageError('USAGE', `--jsonl and --${other} cannot be used together.`, ['Use only one of them.'])
  return requested
}

/**
 * The targets that the flags of a change request; null: one database.
 * @throws OpsError USAGE as {@link requestedTargets}, and for confirmations, which name one database
 */
export function requestedChange(flags: Record<string, unknown>): readonly string[] | 'all' | null {
  const requested = requestedTargets(flags)
  const given = ['yes', 'confirm'].find((name) => flags[name] !== undefined && flags[name] !== false)
  if (requested !== null && given !== undefined)
    throw usageError(
      'USAGE',
      `--${given} is for one database: many are changed only by steps that need no confirmation.`,
      [`Omit --${given}, or select one with --target.`],
    )
  return requested
}

/** Whether an unparsed command line has `--jsonl`. */
export function asksForJsonLines(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--jsonl')
}
