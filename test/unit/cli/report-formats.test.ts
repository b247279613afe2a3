import {parse} from 'csv-parse/sync'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {csvRemarks, renderCsv} from '../../../src/cli/render/csv.js'
import {renderMarkdown} from '../../../src/cli/render/markdown.js'
import {renderReport} from '../../../src/cli/render/report.js'
import {closingLine, legend, note, type Around} from '../../../src/cli/render/shown.js'
import {widthOf} from '../../../src/cli/render/text.js'
import {parseSort, sortRows} from '../../../src/cli/report-rows.js'
import {asksForJson} from '../../../src/cli/report-flags.js'
import type {ReportTable} from '../../../src/units/report-table.js'

interface Row {
  name: string
  bytes: number | null
  since: string | null
  parts: string[] | null
  ok: boolean | null
  why: string | null
}

const at = '2026-11-22T20:00:00Z'
const table: ReportTable<Row> = {
  columns: [
    {id: 'name', heading: 'NAME', type: 'name', value: (row) => row.name, shrink: 6},
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.bytes, priority: 2},
    {id: 'since', heading: 'SINCE', type: 'age', value: (row) => row.since, priority: 1},
    {id: 'parts', heading: 'PARTS', type: 'list', value: (row) => row.parts, show: 'room', shrink: 8},
    {id: 'ok', heading: 'OK', type: 'flag', value: (row) => row.ok, show: 'data'},
    {id: 'why', heading: 'WHY', type: 'note', value: (row) => row.why, hide: 'empty', shrink: 6},
  ],
  marked: ({ok}) => ok === false,
}
const row = (entry: Partial<Row>): Row => ({
  name: 'a',
  bytes: null,
  since: null,
  parts: null,
  ok: null,
  why: null,
  ...entry,
})
const rows = [
  row({name: 'prices', bytes: 2048, since: '2026-11-22T18:00:00.5Z', parts: ['p 1', 'p,2'], ok: true}),
  row({name: 'a "b", c', bytes: 0, parts: [], ok: false, why: 'late | since\nTuesday'}),
  row({}),
]
const shown = (around: Around<Row> = {}, given: readonly Row[] = rows) => ({
  table,
  context: {at},
  rows: given,
  ...around,
})
const style = {width: 80, color: false, headers: true}
/** Cells of a line of GitHub's Markdown, with their escapes. */
const cellsOf = (line: string) =>
  line
    .replace(/^\| /, '')
    .replace(/ \|$/, '')
    .split(/(?<=(?<!\\)(?:\\\\)*) \| /)

describe('CSV', () => {
  it('has column ids as its header, raw numbers, instants as in JSON, lists as JSON, and an empty cell for unknown values', () => {
    expect(renderCsv(shown(), true)).toBe(
      [
        'name,total_bytes,since,parts,ok,why',
        'prices,2048,2026-11-22T18:00:00.500Z,"[""p 1"",""p,2""]",true,',
        '"a ""b"", c",0,,[],false,"late | since\nTuesday"',
        'a,,,,,',
      ].join('\n'),
    )
    expect(renderCsv(shown({}, []), true)).toBe('name,total_bytes,since,parts,ok,why')
    expect(renderCsv(shown({}, []), false)).toBe('')
  })

  it('is accompanied by warnings and results on stderr, without legends and suggested commands', () => {
    const lines = [note('one'), note('two', '!'), legend('* three', ''), closingLine(['four.'], ['Next: five'])]
    expect(csvRemarks(lines)).toEqual(['one', '! two', 'four.'])
  })
})

describe('Markdown', () => {
  it('has all rows, the totals and the notes, and marks rows that need attention', () => {
    const around = {total: row({name: 'TOTAL', bytes: 2048}), below: [note('n', '!'), note('m'), closingLine(['End.'])]}
    expect(renderMarkdown(shown(around), true)).toBe(
      [
        '| NAME | SIZE | SINCE | PARTS | WHY |',
        '| --- | ---: | ---: | --- | --- |',
        '| prices | 2.00 kB | 1h 59min | p 1, p,2 |  |',
        String.raw`| ! a "b", c | 0 B | - | - | late \| since\\nTuesday |`,
        '| a | - | - | - |  |',
        '| TOTAL | 2.00 kB | - | - |  |',
        '',
        '- ! n',
        '- m',
        '',
        'End.',
      ].join('\n'),
    )
  })
})

describe('every format', () => {
  const name = fc.oneof(
    fc.string({unit: 'grapheme-ascii', minLength: 1, maxLength: 40}),
    fc.constantFrom(
      ',',
      '"',
      '|',
      '\\|',
      '`',
      '```',
      'a\nb',
      '\r\n',
      '日本の株価',
      '<b>',
      '&amp;',
      '*_~',
      '# x',
      '\u{1F680} rocket',
    ),
  )

  it('keeps names with commas, quotes, pipes, line breaks, backticks and wide characters intact', () => {
    fc.assert(
      fc.property(fc.array(name, {minLength: 1, maxLength: 8}), fc.integer({min: 20, max: 200}), (names, width) => {
        const given = names.map((each) => row({name: each, why: each}))
        const parsed = parse(renderCsv(shown({}, given), true), {columns: true, relax_column_count: false})
        expect(parsed.map((each) => (each as {name: string}).name)).toEqual(names)
        const markdown = renderMarkdown(shown({}, given), true).split('\n')
        expect(markdown).toHaveLength(names.length + 2)
        for (const line of markdown) expect(cellsOf(line), line).toHaveLength(cellsOf(markdown[0]!).length)
        for (const line of renderReport(shown({}, given), {...style, width}).split('\n'))
          expect(widthOf(line), line).toBeLessThanOrEqual(width)
      }),
    )
  })
})

describe('a table for people', () => {
  const long = Array.from({length: 12}, (_, n) =>
    row({name: `measurements_of_the_north_${n}_with_a_long_name`, bytes: n}),
  )

  it('omits columns by priority if the terminal is too narrow, and names them', () => {
    const text = renderReport(shown({}, long), {...style, width: 16})
    expect(text).toMatch(/^ NAME +SINCE\n/)
    expect(text.replace(/\s+/g, ' ')).toContain(' Omitted at 16 columns: SIZE.')
    expect(renderReport(shown({}, long), {...style, width: null})).not.toContain('Left out')
  })

  it('truncates names so that they stay distinct', () => {
    const lines = renderReport(shown({}, long), {...style, width: 48})
      .split('\n')
      .slice(1, 13)
    expect(new Set(lines).size).toBe(12)
  })

  it('shows more columns on a wide terminal, and omits columns without information', () => {
    expect(renderReport(shown(), {...style, width: 160})).toContain('PARTS')
    expect(renderReport(shown(), style)).not.toContain('PARTS')
    expect(renderReport(shown({}, long), {...style, width: 160})).not.toContain('WHY')
  })
})

describe('--sort', () => {
  it('accepts the id of a column, its heading, or a hyphen for the underscore, and a minus for descending order', () => {
    expect(parseSort('-total_bytes', table)).toEqual({column: 'total_bytes', descending: true})
    expect(parseSort('total-bytes', table)).toEqual({column: 'total_bytes', descending: false})
    expect(parseSort('size', table)).toEqual({column: 'total_bytes', descending: false})
    expect(() => parseSort('nosuch', table)).toThrow('There is no column "nosuch" to sort by.')
  })

  it('puts unknown values last in both directions, and compares times and numbers in texts by value', () => {
    const order = (column: string, given: readonly Row[]) =>
      [false, true].map((descending) =>
        sortRows(table, given, {column, descending}).map(({bytes, since}) => since ?? bytes),
      )
    const sizes = [null, 10, 9, null, 200].map((bytes) => row({bytes}))
    expect(order('total_bytes', sizes)).toEqual([
      [9, 10, 200, null, null],
      [200, 10, 9, null, null],
    ])
    const times = ['2026-01-01T00:00:00Z', '0044-03-15T00:00:00Z BC', '12345-01-01T00:00:00Z'].map((since) =>
      row({since}),
    )
    expect(order('since', times)[0]).toEqual([
      '0044-03-15T00:00:00Z BC',
      '2026-01-01T00:00:00Z',
      '12345-01-01T00:00:00Z',
    ])
  })
})

it('--format json is recognised before the flags are parsed, and ignored after --', () => {
  expect(asksForJson(['stats', '--format', 'json'])).toBe(true)
  expect(asksForJson(['stats', '--format=json'])).toBe(true)
  expect(asksForJson(['stats', 'json', '--format', 'csv'])).toBe(false)
  expect(asksForJson(['stats', '--', '--format=json'])).toBe(false)
})
