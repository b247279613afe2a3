import {sameList} from '../plan/order.js'
import type {CompressionSettings} from '../table-state.js'

/**
 * How declared settings differ from live ones, in words. A declared null keeps the live setting.
 * @param before null if compression is not enabled yet
 */
export function settingsDiffer(wanted: CompressionSettings, before: CompressionSettings | null): string[] {
  return (['segmentBy', 'orderBy'] as const).flatMap((field) => {
    const [to, from] = [wanted[field], before?.[field] ?? null]
    if (to === null || sameList(to, from ?? (to.length === 0 ? [] : null))) return []
    return [`${field} ${columnsInWords(to)}${before === null ? '' : `, was ${columnsInWords(from)}`}`]
  })
}

/** The settings after a change to the declared ones. */
export function settingsAfter(wanted: CompressionSettings, before: CompressionSettings | null): CompressionSettings {
  return {
    segmentBy: wanted.segmentBy ?? before?.segmentBy ?? null,
    orderBy: wanted.orderBy ?? before?.orderBy ?? null,
  }
}

export function columnsInWords(list: readonly string[] | null): string {
  return list === null || list.length === 0 ? 'none' : list.join(', ')
}
