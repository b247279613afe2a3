import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'

/** The table that a key names; the key itself if it is not a valid name, which is reported elsewhere. */
export function tableOf(key: string): string {
  try {
    const {schema, name} = parseQualifiedName(key)
    return formatQualifiedName(schema ?? 'public', name)
  } catch {
    return key
  }
}
