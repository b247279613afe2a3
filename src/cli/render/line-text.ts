import type {Line} from './shown.js'
import {closing, wrap} from './text.js'

/** A sentence for people, broken where it does not fit; what follows its mark stands under its beginning. */
export function lineText(line: Line, width: number | null): string {
  switch (line.kind) {
    case 'closing':
      return closing([...line.verdict, ...line.next], width)
    case 'raw':
    case 'people':
      return line.text
    default:
      return line.mark === ''
        ? wrap(line.text, width)
        : `${line.mark} ${wrap(line.text, width === null ? null : width - 2)}`
  }
}
