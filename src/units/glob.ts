/** Whether a text is a pattern: `*` is any number of characters, `?` is one. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text)
}

/** Whether the pattern matches the whole text, case-sensitively. Takes time proportional to the product of lengths. */
export function matchesGlob(pattern: string, text: string): boolean {
  const wanted = [...pattern]
  const given = [...text]
  let at = 0
  // Where the last star is, and how many characters it has taken so far.
  let star = -1
  let taken = 0
  for (let index = 0; index < given.length; ) {
    if (wanted[at] === '*') {
      star = at
      taken = index
      at += 1
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[index])) {
      at += 1
      index += 1
    } else if (star >= 0) {
      at = star + 1
      taken += 1
      index = taken
    } else return false
  }
  return wanted.slice(at).every((sign) => sign === '*')
}
