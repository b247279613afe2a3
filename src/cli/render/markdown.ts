import type {TableContext} from '../../units/report-table.js'
import type {Line, Shown} from './shown.js'
import {alignOf, cellForPeople, columnsForPeople, headingOf} from './table.js'
import {printable} from './text.js'

/**
 * The report in GitHub's Markdown, for an issue, a chat or a wiki: a table of all rows with the columns of a wide
 * terminal, and the sentences around it.
 */
export function renderMarkdown<Row, Context extends TableContext>(
  {table, rows, context, above = [], below = [], total = null}: Shown<Row, Context>,
  headers: boolean,
): string {
  const columns = columnsForPeople(table.columns, rows, context)
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rowOf = (row: Row, marked: boolean) =>
    line(
      columns.map(
        (column, index) => `${marked && index === 0 ? '! ' : ''}${inline(cellForPeople(column, row, context))}`,
      ),
    )
  const grid = [
    // Markdown requires a header row, so without headers it is empty.
    line(columns.map((column) => (headers ? inline(headingOf(column, rows)) : ''))),
    line(columns.map((column) => (alignOf(column) === 'right' ? '---:' : '---'))),
    ...rows.map((row) => rowOf(row, table.marked?.(row, context) ?? false)),
    ...(total === null || rows.length === 0 ? [] : [rowOf(total, false)]),
  ].join('\n')
  return [...blocks(above), grid, ...blocks(below)].join('\n\n')
}

/** Notes as a list, everything else as separate paragraphs. */
function blocks(lines: readonly Line[]): string[] {
  const found: {list: boolean; text: string}[] = []
  for (const line of lines) {
    if (line.kind === 'people') continue
    const list = line.kind === 'note' && line.mark !== ''
    const last = found.at(-1)
    const text = blockOf(line)
    if (list && last?.list) last.text += `\n${text}`
    else found.push({list, text})
  }
  return found.map(({text}) => text)
}

function blockOf(line: Exclude<Line, {kind: 'people'}>): string {
  switch (line.kind) {
    case 'raw':
      return fenced(line.text)
    case 'closing':
      return paragraph([...line.verdict, ...line.next].join(' '))
    case 'legend':
      return paragraph(`${line.mark} ${line.text}`.trim())
    default:
      return line.mark === '' ? paragraph(line.text) : `- ${line.mark === '!' ? '! ' : ''}${inline(line.text)}`
  }
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}sql\n${text}\n${fence}`
}

/** Escapes text that Markdown would read as a heading or a list. */
function paragraph(text: string): string {
  return inline(text).replace(/^([#+-]|\d+[.)])(?=\s|$)/, (sign) => `${sign.slice(0, -1)}\\${sign.slice(-1)}`)
}

/** Escapes a text so that Markdown shows it literally: it cannot end the cell, start emphasis or become HTML. */
function inline(text: string): string {
  return printable(text)
    .replace(/[\\`*[\]<>|~$]/g, (sign) => `\\${sign}`)
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replace(/&(?=#?\w+;)/g, '&amp;')
}
