const reason = Symbol('reason')

/** What a reader gives instead of a value: why it is none, in words that go on after the value. */
export interface Invalid {
  readonly [reason]: string
}

export function invalid(why: string): Invalid {
  return {[reason]: why}
}

/** The words, or null where it is a value. */
export function reasonOf(read: unknown): string | null {
  return typeof read === 'object' && read !== null && reason in read ? (read as Invalid)[reason] : null
}
