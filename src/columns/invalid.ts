const reason = Symbol('reason')

/** Returned by a reader instead of a value: the reason, worded to follow the quoted value. */
export interface Invalid {
  readonly [reason]: string
}

export function invalid(why: string): Invalid {
  return {[reason]: why}
}

/** The reason, or null for a valid value. */
export function reasonOf(read: unknown): string | null {
  return typeof read === 'object' && read !== null && reason in read ? (read as Invalid)[reason] : null
}
