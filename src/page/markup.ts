import {html, raw} from 'hono/html'
import {cellText, dash} from '../units/cell-text.js'
import type {Column, ReportTable, TableContext} from '../units/report-table.js'

/** A piece of the page. Every value that is not itself markup was escaped. */
export type Markup = ReturnType<typeof html>

export {html, raw}

/** The meaning of a colour. Each also has a sign or a word, so that nothing is said by colour alone. */
export type Tone = 'ok' | 'warning' | 'critical' | 'unknown' | 'plain'

const signs: Record<Tone, string> = {ok: '✓', warning: '!', critical: '✕', unknown: '?', plain: ''}

/** A word with its sign. */
export function badge(tone: Tone, text: string): Markup {
  const sign = signs[tone]
  return html`<span class="badge ${tone}">${sign && html`<span aria-hidden="true">${sign}</span> `}${text}</span>`
}

/** A sentence of a report: what it has in backticks is code, and its addresses are links. */
export function prose(text: string): Markup {
  const parts = text.split(/(`[^`]+`|https:\/\/[^\s)]*[^\s).,;:])/)
  return html`${parts.map((part) => {
    if (part.startsWith('`')) return html`<code>${part.slice(1, -1)}</code>`
    return part.startsWith('https://') ? html`<a href="${part}" rel="noreferrer">${shortAddress(part)}</a>` : part
  })}`
}

/** `github.com/timescale/timescaledb/pull/10324` */
function shortAddress(address: string): string {
  return address.replace(/^https:\/\/(www\.)?/, '').replace(/\/$/, '')
}

/** What ends a problem: a command to copy, or advice. */
export function fixMarkup({kind, text}: {kind: string; text: string}): Markup {
  return kind === 'advice' ? html`<span class="advice">${prose(text)}</span>` : commandLine(text)
}

/** A command or statement that the reader can copy. */
export function commandLine(text: string): Markup {
  return html`<code class="command">${text}</code>`
}

export interface SectionOptions {
  id: string
  title: string
  /** One sentence under the title. */
  lead?: Markup | string | undefined
}

export function section({id, title, lead}: SectionOptions, ...content: readonly (Markup | null)[]): Markup {
  return html`
<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${lead && html`<p class="lead">${lead}</p>`}
${content}
</section>`
}

/** A list of sentences; nothing if there are none. */
export function notesList(notes: readonly string[]): Markup | null {
  if (notes.length === 0) return null
  return html`<ul class="notes">${notes.map((note) => html`<li>${prose(note)}</li>`)}</ul>`
}

/** Content that scrolls sideways on a narrow screen; the keyboard can reach it. */
export function scrollable(label: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" aria-label="${label} (table)" tabindex="0">${content}</div>`
}

export interface TableOptions<Row> {
  label: string
  /** Ids of the columns, in their order on the page. */
  columns: readonly string[]
  /** A class of the row. */
  tone?(row: Row): Tone | null
  /** Cells that are not plain text, by id of the column. */
  cells?: Readonly<Record<string, (row: Row, text: string) => Markup | string>>
}

const leftAligned = new Set(['text', 'name', 'note', 'list', 'flag', 'instant'])

/** A table of a report, from the same columns as its text, CSV and Markdown. The first column is the row's heading. */
export function reportTable<Row, Context extends TableContext>(
  table: ReportTable<Row, Context>,
  rows: readonly Row[],
  context: Context,
  {label, columns, tone, cells = {}}: TableOptions<Row>,
): Markup {
  const shown = columns.map((id) => table.columns.find((column) => column.id === id)!)
  const cell = (column: Column<Row, Context>, row: Row, index: number): Markup => {
    const text = cellText(column, row, context)
    const content = cells[column.id]?.(row, text) ?? text
    const side = isLeft(column) ? 'left' : 'right'
    return index === 0
      ? html`<th scope="row" class="${side}">${content}</th>`
      : html`<td class="${side}${text === dash ? ' none' : ''}">${content}</td>`
  }
  return scrollable(
    label,
    html`<table>
<thead><tr>${shown.map((column) => html`<th scope="col" class="${isLeft(column) ? 'left' : 'right'}">${column.heading}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr class="${tone?.(row) ?? ''}">${shown.map((column, index) => cell(column, row, index))}</tr>\n`)}</tbody>
</table>`,
  )
}

function isLeft<Row, Context extends TableContext>({align, type}: Column<Row, Context>): boolean {
  return align === 'left' || (align === undefined && leftAligned.has(type))
}
