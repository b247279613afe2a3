/** `jobs.yaml has 2 mistakes:`, then a line each. @param all their number, if only some of them are listed */
export function mistakesIn(where: string, messages: readonly string[], all = messages.length): string {
  const count = all === 1 ? 'a mistake' : `${all} mistakes`
  return [`${where} has ${count}:`, ...messages.map((message) => `- ${message}`)].join('\n')
}
