/** A clause as a sentence. A name at its beginning keeps its case: it could not be pasted otherwise. */
export function asSentence(clause: string): string {
  const [first = ''] = clause.split(/[\s,:]/, 1)
  const begins = /[."_]/.test(first.replace(/\.$/, '')) ? clause[0]! : clause[0]!.toUpperCase()
  return `${begins}${clause.slice(1)}${/[.:]$/.test(clause) ? '' : '.'}`
}
