import {stderrWidth} from './terminal.js'

/** What is to be known before a plan is agreed to: on stderr, in lines that fit. */
export async function reportNotes(notes: readonly string[], report: (line: string) => void): Promise<void> {
  if (notes.length === 0) return
  const {wrap} = await import('./render/table.js')
  for (const note of notes) report(wrap(note, stderrWidth()))
}
