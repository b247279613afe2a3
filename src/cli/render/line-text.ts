import type {Line} from './shown.js'
import {closing, wrap} from './text.js'

/** A sentence for people, wrapped; continuation lines are aligned with the text after the mark. */
export function lineText(line: Line, width: number | null): string {
  switch (line.kind) {
    case 'closing':
      return closing([...line.verdict, ...line.next], width)
    case 'raw':
    case 'people':
      return line.text
    case 'note':
      // A sentence without a mark is wrapped when it is printed, and only on a terminal.
      return line.mark === '' ? wrap(line.text, null) : marked(line, width)
    default:
      return line.mark === '' ? wrap(line.text, width) : marked(line, width)
  }
}

function marked({mark, text}: {mark: string; text: string}, width: number | null): string {
  return `${mark} ${wrap(text, width === null ? null : width - 2)}`
}
