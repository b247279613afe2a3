import {quoteIdent} from './sql.js'

/** A setting from ALTER DATABASE or ALTER ROLE, as `name=value`. */
export interface StoredSetting {
  setting: string
  /** Whether it is that of this role; otherwise of every role. */
  of_role: boolean
  of_database: boolean
}

/** The columns of sql/db/server.sql that have TimescaleDB's settings; null if the library is not loaded. */
interface SettingsRow {
  database: string
  role: string
  restoring: string | null
  disable_load: string | null
  enable_optimizations: string | null
  enable_transparent_decompression: string | null
  /** In order of precedence. */
  stored_settings: readonly StoredSetting[]
}

const hidingSettings = ['timescaledb.enable_optimizations', 'timescaledb.enable_transparent_decompression'] as const

/** As PostgreSQL parses a boolean setting. If the library is not loaded, the setting is the text as given. */
const isOn = (value: string | null | undefined) => value != null && /^(on|1|t|tr|tru|true|y|ye|yes)$/i.test(value)
const isOff = (value: string | null | undefined) =>
  value != null && /^(of|off|0|f|fa|fal|fals|false|n|no)$/i.test(value)

/** The settings of this session, and those that the next session would have. */
export function timescaledbSettings(row: SettingsRow) {
  const all = row.stored_settings.map((stored) => {
    const equals = stored.setting.indexOf('=')
    return {...stored, name: stored.setting.slice(0, equals), value: stored.setting.slice(equals + 1)}
  })
  const stored = (name: string) => all.find((each) => each.name === name)?.value
  const here: Record<(typeof hidingSettings)[number], string | null> = {
    'timescaledb.enable_optimizations': row.enable_optimizations,
    'timescaledb.enable_transparent_decompression': row.enable_transparent_decompression,
  }
  const reset = (name: string, isHarmful: typeof isOn) => {
    const places = all.filter((each) => each.name === name && isHarmful(each.value))
    if (places.length === 0)
      return `remove ${name} from the configuration of the server and from the options of the connection`
    const statements = places.map((place) => `alter ${placeOf(place, row)} reset ${name}`).join('; ')
    // timescaledb_post_restore() resets the setting of the database only.
    const ends = name === 'timescaledb.restoring' && !places.some(({of_role, of_database}) => of_role || !of_database)
    return ends ? `select timescaledb_post_restore(); or ${statements}` : statements
  }
  return {
    restoring: isOn(row.restoring) || isOn(stored('timescaledb.restoring')),
    loaderDisabled: isOn(row.disable_load) || isOn(stored('timescaledb.disable_load')),
    hiding: hidingSettings.filter((name) => isOff(here[name]) || isOff(stored(name))),
    hidingHere: hidingSettings.filter((name) => isOff(here[name])),
    resets: Object.fromEntries([
      ...['timescaledb.restoring', 'timescaledb.disable_load'].map((name) => [name, reset(name, isOn)]),
      ...hidingSettings.map((name) => [name, reset(name, isOff)]),
    ]) as Record<string, string>,
  }
}

/** Where a setting is stored, as ALTER names it. */
function placeOf({of_role, of_database}: StoredSetting, {role, database}: SettingsRow): string {
  const inDatabase = `database ${quoteIdent(database)}`
  if (of_role) return `role ${quoteIdent(role)}${of_database ? ` in ${inDatabase}` : ''}`
  return of_database ? inDatabase : 'role all'
}
