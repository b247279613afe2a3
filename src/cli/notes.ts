import {stderrWidth} from './terminal.js'

/** Prints a plan's notes on stderr before the confirmation, wrapped to the terminal. */
export async function reportNotes(notes: readonly string[], report: (line: string) => void): Promise<void> {
  if (notes.length === 0) return
  const {wrap} = await import('./render/table.js')
  for (const note of notes) report(wrap(note, stderrWidth()))
}
