import type {ReportTable} from '../units/report-table.js'
import type {ShownConfig} from './shown.js'

/** One setting of the configuration, whatever its section. */
export interface ShownSetting {
  section: 'target' | 'limit' | 'table' | 'aggregate' | 'policy' | 'job'
  /** The target, limit, table, aggregate or job. */
  name: string
  setting: string
  /** Null where it is not set. */
  value: string | number | boolean | null
  from: 'config' | 'default'
}

export const configTable: ReportTable<ShownSetting> = {
  columns: [
    {id: 'section', heading: 'SECTION', type: 'text', value: (row) => row.section},
    {id: 'name', heading: 'NAME', type: 'name', value: (row) => row.name, shrink: 12},
    {id: 'setting', heading: 'SETTING', type: 'text', value: (row) => row.setting, shrink: 10},
    {
      id: 'value',
      heading: 'VALUE',
      type: 'text',
      value: ({value}) => (value === null ? null : String(value)),
      shrink: 16,
    },
    {id: 'from', heading: 'FROM', type: 'text', value: (row) => row.from, priority: 1},
  ],
}

/** Every setting in a row. */
export function settingRows(shown: ShownConfig): ShownSetting[] {
  const {targets, limits, tables, aggregates, policies, jobSettings, jobsOff} = shown
  const config = 'config' as const
  return [
    ...targets.flatMap(({name, url, directUrl, role, protected: isProtected, unset}) =>
      Object.entries({url, directUrl, role, protected: isProtected, unset: unset.join(' ') || null}).map(
        ([setting, value]) => ({section: 'target' as const, name, setting, value, from: config}),
      ),
    ),
    ...Object.entries(limits).map(([name, {value, from}]) => ({
      section: 'limit' as const,
      name,
      setting: 'value',
      value,
      from,
    })),
    ...tables.map(({table: name, declares}) => declared('table', name, declares)),
    ...aggregates.map(({aggregate: name, declares}) => declared('aggregate', name, declares)),
    ...policies.map(({schema, table, kind, rule, from}) => ({
      section: 'policy' as const,
      name: `${schema}.${table}`,
      setting: kind,
      value: rule,
      from,
    })),
    ...jobSettings.flatMap(jobRows),
    ...jobsOff.map((name) => ({section: 'job' as const, name, setting: 'schedule', value: 'none', from: config})),
  ]
}

function declared(section: 'table' | 'aggregate', name: string, declares: readonly string[]): ShownSetting {
  return {section, name, setting: 'declares', value: declares.join(' ') || null, from: 'config'}
}

function fromOf(given: boolean): ShownSetting['from'] {
  return given ? 'config' : 'default'
}

function jobRows({
  name,
  kind,
  schedule,
  settings,
  options,
  given,
  from,
}: ShownConfig['jobSettings'][number]): ShownSetting[] {
  const text = (value: unknown) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value)
  return Object.entries({kind, schedule, ...settings, ...options}).map(([setting, value]) => ({
    section: 'job',
    name,
    setting,
    value: text(value) as ShownSetting['value'],
    from: setting in settings ? fromOf(given.includes(setting)) : from,
  }))
}
