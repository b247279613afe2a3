/** The names under which a qicore schema before core.1.14.0 stores two statuses. */
const formerNames: ReadonlyMap<string, string> = new Map([
  ['late-done', 'done_late'],
  ['partly', 'partial'],
])

/** The current name of a stored status, whichever version of the qicore schema stored it. */
export function currentStatus<T extends string | null>(stored: T): T {
  return (stored === null ? null : (formerNames.get(stored) ?? stored)) as T
}

/** Every name under which a status may be stored. */
export function storedNames(status: string): string[] {
  return [status, ...[...formerNames].filter(([, current]) => current === status).map(([former]) => former)]
}
