import type {ChangeClass} from '../../run/step.js'
import type {ReportTable} from '../../units/report-table.js'
import type {PolicyPlanReport} from './report.js'

const classWords: Record<ChangeClass, string> = {safe: 'safe', undo: 'hard to undo', loss: 'loses data'}

export const policyPlanTable: ReportTable<PolicyPlanReport['steps'][number]> = {
  columns: [
    {id: 'id', heading: 'STEP', type: 'name', value: (row) => row.id, shrink: 24},
    {id: 'class', heading: 'CLASS', type: 'text', value: (row) => row.class, text: (row) => classWords[row.class]},
    {
      id: 'lock',
      heading: 'LOCK',
      type: 'text',
      value: (row) => row.lock,
      text: ({lock}) => lock.toLowerCase(),
      priority: 2,
    },
    {
      id: 'repeatable',
      heading: 'AGAIN',
      type: 'flag',
      show: 'room',
      value: (row) => row.repeatable,
      text: ({repeatable}) => (repeatable ? 'safe' : 'no'),
      priority: 1,
    },
    {
      id: 'why',
      heading: 'WHY',
      type: 'list',
      value: (row) => row.why,
      text: ({why}) => why.join('; '),
      shrink: 20,
      priority: 1,
    },
    {id: 'sql', heading: 'SQL', type: 'text', show: 'data', value: (row) => row.sql},
  ],
  marked: (step) => step.class === 'loss',
}
