const reason = Symbol('reason')

/** What a reader gives instead of a value: why it is none, in words that go on after the value. */
export interface Misfit {
  readonly [reason]: string
}

export function misfit(why: string): Misfit {
  return {[reason]: why}
}

/** The words, or null where it is a value. */
export function reasonOf(read: unknown): string | null {
  return typeof read === 'object' && read !== null && reason in read ? (read as Misfit)[reason] : null
}
