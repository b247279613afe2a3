import {ExitCode, usageError} from '../../errors.js'
import {command} from '../../units/command.js'
import {plural} from '../../units/plural.js'
import type {PartitionRule} from '../periods.js'
import type {Withheld} from './retain.js'

/** The rule of a set whose retention has stages. @throws OpsError NO_STAGES (exit 2) */
export function requireStages(relation: string, declared: PartitionRule | null): PartitionRule {
  if (declared?.stages) return declared
  throw usageError('NO_STAGES', `No stages of a retention are declared for ${relation}.`, [
    'Declare them: tables.<name>.retention: {detach: 90d, drop: 2y}, beside tables.<name>.partitions.',
    `To drop partitions at once: ${command('partitions drop', [relation], {'older-than': '2y', 'dry-run': true})}`,
  ])
}

/** Sentences about stages that are due and cannot be carried out, one for all partitions with the same reason. */
export function withheldLines(withheld: readonly Withheld[]): string[] {
  const groups = new Map<string, string[]>()
  for (const {partition, task, why} of withheld) {
    const reason = `${task} is due, but ${why}.`
    groups.set(reason, [...(groups.get(reason) ?? []), partition])
  }
  return [...groups].map(([reason, partitions]) => `${namesOf(partitions)}: ${reason}`)
}

/** All names of a few partitions; of many the first and the last, which are the oldest and the newest. */
function namesOf(partitions: readonly string[]): string {
  if (partitions.length <= 3) return partitions.join(', ')
  return `${plural(partitions.length, 'partition')}, ${partitions[0]!} to ${partitions.at(-1)!}`
}

/**
 * The exit code of a run with stages that are due and were not carried out: a part was done, or nothing because all of
 * it was refused.
 */
export function exitCodeOf(withheld: readonly Withheld[], exitCode: ExitCode, changed: boolean): ExitCode {
  if (withheld.length === 0 || exitCode !== ExitCode.done) return exitCode
  return changed ? ExitCode.partial : ExitCode.refused
}
