import {loadSql} from '../db/load-sql.js'
import {taggedText} from './coverage-sql.js'

/** The routines of the calendar: SQL functions whose result is the column `result` of one SELECT. */
const routines = {local_start: ['local', 'zone'], grid_start: ['local', 'months', 'hours']} as const

const call = /qicore\.(local_start|grid_start)\(([^()]+)\)/g

/**
 * `sql/<name>.sql` with the texts of qicore.local_start and qicore.grid_start in place of their calls. The routines are
 * the only definition of where a period begins; a database without the qicore schema is queried with the same texts.
 */
export function calendarSql(name: string): string {
  return loadSql(name).replace(call, (_, routine: keyof typeof routines, given: string) => {
    const values = given.split(',').map((each, index) => `${each.trim()} as ${routines[routine][index]}`)
    return (
      `(select called.result from (select ${values.join(', ')}) as given cross join lateral ` +
      `(${taggedText(`routines/${routine}`, 'start')}) as called)`
    )
  })
}
