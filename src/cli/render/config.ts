import {jobDefaults, type ShownConfig, type ShownJob} from '../../config/shown.js'
import type {From} from '../../config/precedence.js'
import {shortName} from '../../db/qualified-name.js'
import type {Around} from './shown.js'
import {printable} from './text.js'

/**
 * The configuration by section.
 * @param settings show the table of all settings instead, because it was sorted or limited
 */
export function aroundConfig<Row>(shown: ShownConfig, settings: boolean): Around<Row> {
  if (settings) return {}
  return {above: [{kind: 'people', text: renderConfig(shown)}], brief: () => ({rows: [], rest: null})}
}

/** The configuration for people: the values in effect and their origin. */
export function renderConfig({
  file,
  default: byDefault,
  chosen,
  role,
  migrations,
  targets,
  groups,
  limits,
  tables,
  aggregates,
  policies,
  jobSettings,
  jobsOff,
}: ShownConfig): string {
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)]
  const declares = (what: readonly string[]) => (what.length === 0 ? 'nothing declared' : what.join(', '))
  return [
    `File: ${file ?? 'none; qicore-db.config.yaml is searched here and in parent directories'}`,
    'error' in chosen
      ? `Database: none. ${chosen.error}`
      : `Database: ${chosen.target ?? 'from the environment'} (${chosen.variables.join(' ') || chosen.source})`,
    `Role for changes: ${role.value ?? 'the connecting role'}${mark(role)}`,
    `Migrations: ${migrations.value}${mark(migrations)}`,
    ...list(
      'Targets (file):',
      targets.map(({name, url, directUrl, role, protected: guarded, databases, unset}) =>
        [
          `${name}${name === byDefault ? ' (default)' : ''}: ${url}`,
          ...(directUrl === null ? [] : [`direct ${directUrl}`]),
          ...(role === null ? [] : [`as ${role}`]),
          ...(guarded ? ['protected'] : []),
          ...(databases === null ? [] : [`databases ${databases}`]),
          ...(unset.length === 0 ? [] : [`${unset.join(', ')} not set`]),
        ].join(', '),
      ),
    ),
    ...list(
      'Groups (file):',
      groups.map(({name, targets: members}) => `${name}: ${members.join(', ')}`),
    ),
    ...list(
      'Limits:',
      Object.entries(limits).map(([name, limit]) => `${name}: ${limit.value}${mark(limit)}`),
    ),
    ...list(
      'Tables (file):',
      tables.map(
        ({table, described, declares: what}) => `${table}: ${described ? 'described here, ' : ''}${declares(what)}`,
      ),
    ),
    ...list(
      'Aggregates (file):',
      aggregates.map(({aggregate, declares: what}) => `${aggregate}: ${declares(what)}`),
    ),
    ...list(
      "Policies (defaults apply if QiCore's tables are in the database):",
      policies.map(
        ({schema, table, kind, rule, from}) => `${shortName(schema, table)} ${kind}: ${rule}${mark({from})}`,
      ),
    ),
    ...list(`Jobs (default: ${settingsInWords(jobDefaults())}):`, jobSettings.map(jobLine)),
    ...list('Disabled jobs (file):', jobsOff),
  ].join('\n')
}

/** The origin of a value; the path of the file is on the first line. */
function mark({from, source}: {from: From; source?: string | null}): string {
  if (from === 'default') return ' (default)'
  return from === 'config' ? ' (file)' : ` (${source})`
}

/** The schedule, and the settings of the job that differ from the defaults. */
function jobLine({name, kind, schedule, settings, options, given, from}: ShownJob): string {
  const own = Object.fromEntries(Object.entries(settings).filter(([field]) => given.includes(field)))
  const parts = [
    ...(kind === name ? [] : [kind]),
    `"${schedule}"`,
    ...(Object.keys(own).length === 0 ? [] : [settingsInWords(own)]),
    ...Object.entries(options).map(optionInWords),
  ]
  return `${name}: ${parts.join(', ')}${mark({from})}`
}

function optionInWords([field, value]: [string, unknown]): string {
  return `${field} ${Array.isArray(value) ? value.join(' ') : printable(String(value).trim())}`
}

function settingsInWords(settings: ShownJob['settings']): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== null)
    .map(([field, value]) => `${field} ${value}`)
    .join(', ')
}
