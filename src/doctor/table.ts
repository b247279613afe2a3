import {formatQualifiedName, shortName} from '../db/qualified-name.js'
import type {ReportTable} from '../units/report-table.js'
import type {CheckReport} from './report.js'

/** One line for each check; what it found is below the table, and in the JSON. */
export const doctorTable: ReportTable<CheckReport> = {
  columns: [
    {
      id: 'status',
      heading: 'STATUS',
      type: 'text',
      value: ({status}) => status,
      text: ({status}) => status.toUpperCase(),
    },
    {id: 'id', heading: 'CHECK', type: 'text', value: ({id}) => id},
    {id: 'group', heading: 'GROUP', type: 'text', show: 'data', value: ({group}) => group},
    {id: 'title', heading: 'RESULT', type: 'text', value: resultOf, shrink: 20},
    {
      id: 'findings',
      heading: 'FINDINGS',
      show: 'room',
      type: 'count',
      value: ({findings}) => findings.length,
      priority: 2,
    },
    {
      id: 'objects',
      heading: 'TABLES',
      type: 'list',
      show: 'room',
      value: (row) => objectsOf(row).map(({schema, table}) => formatQualifiedName(schema, table)),
      text: (row) =>
        objectsOf(row)
          .map(({schema, table}) => shortName(schema, table))
          .join(', '),
      shrink: 12,
      priority: 1,
    },
    {
      id: 'messages',
      heading: 'MESSAGES',
      type: 'list',
      show: 'data',
      value: ({findings}) => findings.map(({message}) => message),
    },
    {
      id: 'fixes',
      heading: 'FIXES',
      type: 'list',
      show: 'data',
      value: ({findings}) => findings.map(({fix}) => fix.text),
    },
  ],
  marked: ({status}) => status === 'critical' || status === 'warning',
}

function resultOf({title, missing}: CheckReport): string {
  return missing === null ? title : `not known: ${title}`
}

/** The tables that the findings are about, each once. */
function objectsOf({findings}: CheckReport): NonNullable<CheckReport['findings'][number]['object']>[] {
  const objects = findings.flatMap(({object}) => (object === null ? [] : [object]))
  return [...new Map(objects.map((each) => [formatQualifiedName(each.schema, each.table), each])).values()]
}
