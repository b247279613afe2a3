/** Milliseconds. Node fires a longer timer immediately. */
export const longestTimer = 2 ** 31 - 1
