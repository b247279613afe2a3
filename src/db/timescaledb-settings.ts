/** The columns of sql/db/server.sql that have TimescaleDB's settings; null if the library is not loaded. */
interface SettingsRow {
  restoring: string | null
  disable_load: string | null
  enable_optimizations: string | null
  enable_transparent_decompression: string | null
  /** `name=value` from ALTER DATABASE and ALTER ROLE, in order of precedence. */
  stored_settings: readonly string[]
}

const hidingSettings = ['timescaledb.enable_optimizations', 'timescaledb.enable_transparent_decompression'] as const

/** As PostgreSQL parses a boolean setting. If the library is not loaded, the setting is the text as given. */
const isOn = (value: string | null | undefined) =>
  value != null && ['on', 'true', 'yes', '1'].includes(value.toLowerCase())
const isOff = (value: string | null | undefined) =>
  value != null && ['off', 'false', 'no', '0'].includes(value.toLowerCase())

/** The settings of this session, and those that the next session would have. */
export function timescaledbSettings(row: SettingsRow) {
  const stored = new Map<string, string>()
  for (const setting of row.stored_settings) {
    const equals = setting.indexOf('=')
    const name = setting.slice(0, equals)
    if (!stored.has(name)) stored.set(name, setting.slice(equals + 1))
  }
  const here: Record<(typeof hidingSettings)[number], string | null> = {
    'timescaledb.enable_optimizations': row.enable_optimizations,
    'timescaledb.enable_transparent_decompression': row.enable_transparent_decompression,
  }
  return {
    restoring: isOn(row.restoring) || isOn(stored.get('timescaledb.restoring')),
    loaderDisabled: isOn(row.disable_load) || isOn(stored.get('timescaledb.disable_load')),
    hiding: hidingSettings.filter((name) => isOff(here[name]) || isOff(stored.get(name))),
    hidingHere: hidingSettings.filter((name) => isOff(here[name])),
  }
}
