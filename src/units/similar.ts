/** The known word closest to a typed one, ignoring case, if at most two edits apart; otherwise null. */
export function similar(typed: string, known: readonly string[]): string | null {
  const near = known
    .map((word) => ({word, distance: slips(typed.toLowerCase(), word.toLowerCase())}))
    .filter(({word, distance}) => distance <= Math.min(2, word.length / 2))
  return near.sort((a, b) => a.distance - b.distance)[0]?.word ?? null
}

/** Edit distance: insertions, deletions, replacements and swaps of adjacent characters. */
export function slips(from: string, to: string): number {
  const table = [Array.from({length: to.length + 1}, (_, column) => column)]
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      let least = Math.min(table[i - 1]![j]! + 1, row[j - 1]! + 1, table[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        least = Math.min(least, table[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    table.push(row)
  }
  return table[from.length]![to.length]!
}
