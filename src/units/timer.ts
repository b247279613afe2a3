/** Milliseconds; a longer timer of Node goes off at once. */
export const longestTimer = 2 ** 31 - 1
