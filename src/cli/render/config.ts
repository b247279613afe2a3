import type {ShownConfig} from '../../config/shown.js'

/** The configuration for people: what applies, and from where. */
export function renderConfig({file, default: byDefault, chosen, targets, limits, tables, aggregates, jobs}: ShownConfig): string {
  const list = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)])
  const declares = (what: readonly string[]) => (what.length === 0 ? 'nothing declared' : what.join(', '))
  return [
    `File: ${file ?? 'none; qicore-db.config.yaml is searched from here upwards'}`,
    'error' in chosen ? `Database: none. ${chosen.error}` : `Database: ${chosen.target} (${chosen.source})`,
    ...list('Targets:', targets.map(({name, url, directUrl, role, protected: guarded, unset}) => [
      `${name}${name === byDefault ? ' (default)' : ''}: ${url}`, ...(directUrl === null ? [] : [`direct ${directUrl}`]), ...(role === null ? [] : [`as ${role}`]),
      ...(guarded ? ['protected'] : []), ...(unset.length === 0 ? [] : [`${unset.join(', ')} not set`]),
    ].join(', '))),
    ...list('Limits:', Object.entries(limits).map(([name, {value, from}]) => `${name}: ${value}${from === 'default' ? ' (default)' : ''}`)),
    ...list('Tables:', tables.map(({table, described, declares: what}) => `${table}: ${described ? 'described here, ' : ''}${declares(what)}`)),
    ...list('Aggregates:', aggregates.map(({aggregate, declares: what}) => `${aggregate}: ${declares(what)}`)),
    ...list('Jobs:', jobs),
  ].join('\n')
}
