import {exportText} from '../../export/settings.js'
import type {Stages} from '../../partitions/retain/stages.js'
import {dash} from '../../units/cell-text.js'
import {durationInWords} from '../../units/duration.js'
import type {Problem} from '../plan/problem.js'
import type {RuleText} from '../status/types.js'

/** The problem of stages on a table that has no partitions. */
export function noStages(key: string, place: string): Problem {
  return {
    code: 'NOT_POSSIBLE_HERE',
    message: `${place}: ${key} has no partitions that can be detached, so its retention has no stages.`,
    suggestion: 'Write after, the age at which it is dropped. Stages are for tables that PostgreSQL partitions.',
  }
}

/** The problem of an export without stages on a table that PostgreSQL partitions. */
export function needsStages(key: string, place: string): Problem {
  return {
    code: 'NOT_POSSIBLE_HERE',
    message: `${place}.export: ${key} is partitioned by PostgreSQL: its partitions are exported in stages.`,
    suggestion:
      'Write the retention as detach, archive: {after, export} and drop. Beside after, export is for hypertables.',
  }
}

/** The stages as reports show them: one text a stage. */
export function stagesText(stages: Stages): RuleText {
  const {archive} = stages
  return {
    detach: durationInWords(stages.detach),
    archive:
      archive === null
        ? null
        : [
            durationInWords(archive.after),
            ...(archive.schema === null ? [] : [`schema ${archive.schema}`]),
            ...(archive.tablespace === null ? [] : [`tablespace ${archive.tablespace}`]),
            ...(archive.export === null ? [] : [exportText(archive.export)]),
          ],
    drop: stages.drop === null ? null : durationInWords(stages.drop),
  }
}

/** The ages in one cell: `90 days > 1 year > 2 years`, with `-` for a stage that is not declared. */
export function stagesCell({detach, archive, drop}: RuleText): string {
  const first = Array.isArray(archive) ? (archive as readonly string[])[0] : null
  return [detach, first, drop].map((age) => String(age ?? dash)).join(' > ')
}
