import type {ConditionCode} from '../../db/condition.js'
import type {Check} from '../check.js'
import type {Finding, Severity} from '../finding.js'

/** States in which every count is false are critical; the session has found them when it opened. */
function fromCondition(
  id: string,
  code: ConditionCode,
  severity: Severity,
  words: Pick<Check, 'passes' | 'problem'>,
): Check {
  return {
    id: `condition.${id}`,
    about: 'database',
    ...words,
    run: async ({server}) =>
      server.condition
        .filter((one) => one.code === code)
        .map(
          ({message, fix, tables}): Finding => ({
            severity,
            object: null,
            message,
            data: {tables},
            fix: {kind: 'advice', text: fix},
          }),
        ),
  }
}

export const conditionChecks: readonly Check[] = [
  fromCondition('restoring', 'restoring', 'critical', {
    passes: 'The database is not in restore mode.',
    problem: 'database in restore mode',
  }),
]
