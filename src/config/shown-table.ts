import type {ReportTable} from '../units/report-table.js'
import type {From} from './precedence.js'
import type {ShownConfig} from './shown.js'

/** One setting of the configuration, from any section. */
export interface ShownSetting {
  section: 'general' | 'target' | 'group' | 'limit' | 'table' | 'aggregate' | 'policy' | 'job'
  /** Name of the target, group, limit, table, aggregate or job. */
  name: string
  setting: string
  /** Null if not set. */
  value: string | number | boolean | null
  from: From
  /** The flag, the variable or the path of the file; null for a default. */
  source: string | null
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
    {id: 'source', heading: 'SOURCE', type: 'text', value: (row) => row.source, shrink: 16, priority: 2},
  ],
}

/** Every setting as a row, including defaults. */
export function settingRows(shown: ShownConfig): ShownSetting[] {
  const {limits, tables, aggregates, policies, jobSettings, jobsOff, file} = shown
  const rows: Row[] = [
    ...generalRows(shown),
    ...shown.targets.flatMap(targetRows),
    ...shown.groups.map(
      ({name, targets}): Row => ({
        section: 'group',
        name,
        setting: 'targets',
        value: targets.join(' '),
        from: 'config',
      }),
    ),
    ...Object.entries(limits).map(([name, limit]) => ({section: 'limit' as const, name, setting: 'value', ...limit})),
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
    ...jobsOff.map((name): Row => ({section: 'job', name, setting: 'schedule', value: 'none', from: 'config'})),
  ]
  return rows.map((row) => ({...row, source: row.source ?? (row.from === 'config' ? file : null)}))
}

/** A setting from the file has no separate source. */
type Row = Omit<ShownSetting, 'source'> & {source?: string | null}

function generalRows({file, fileFrom, chosen, default: byDefault, role, migrations}: ShownConfig): Row[] {
  const general = (name: string, value: string | null, from: From, source?: string | null): Row => ({
    section: 'general',
    name,
    setting: 'value',
    value,
    from,
    ...(source !== undefined && {source}),
  })
  return [
    general('file', file, fileFrom, fileFrom === 'flag' ? '--config' : null),
    'error' in chosen
      ? general('database', null, 'default')
      : general('database', chosen.target, chosen.from, sourceOf(chosen)),
    general('default', byDefault, byDefault === null ? 'default' : 'config'),
    general('role', role.value, role.from, role.source),
    general('migrations', migrations.value, migrations.from, migrations.source),
  ]
}

function sourceOf({from, source, variables}: {from: From; source: string; variables: readonly string[]}) {
  if (from === 'config') return undefined
  return from === 'environment' ? variables.join(' ') : source
}

function targetRows({
  name,
  url,
  directUrl,
  role,
  protected: isProtected,
  databases,
  labels,
  unset,
}: ShownConfig['targets'][number]): Row[] {
  const settings = {
    url,
    directUrl,
    role,
    protected: isProtected,
    databases,
    labels: labelsText(labels),
    unset: unset.join(' ') || null,
  }
  return Object.entries(settings).map(([setting, value]) => ({
    section: 'target',
    name,
    setting,
    value,
    // For a target, null and false mean that the field is not set.
    from: givenIn(value !== null && value !== false),
  }))
}

/** `region=eu tier=gold`; null without labels. */
function labelsText(labels: Readonly<Record<string, string>>): string | null {
  return (
    Object.entries(labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(' ') || null
  )
}

function declared(section: 'table' | 'aggregate', name: string, declares: readonly string[]): Row {
  return {section, name, setting: 'declares', value: declares.join(' ') || null, from: 'config'}
}

function givenIn(given: boolean): From {
  return given ? 'config' : 'default'
}

function jobRows({name, kind, schedule, settings, options, given, from}: ShownConfig['jobSettings'][number]): Row[] {
  const text = (value: unknown) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value)
  return Object.entries({kind, schedule, ...settings, ...options}).map(([setting, value]) => ({
    section: 'job',
    name,
    setting,
    value: text(value) as ShownSetting['value'],
    from: setting in settings ? givenIn(given.includes(setting)) : from,
  }))
}
