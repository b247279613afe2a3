import {Chalk} from 'chalk'
import {shortName} from '../../db/qualified-name.js'
import type {ChunkMap, ChunkState, MapColumn, MapRow} from '../../reports/chunk-map.js'
import {distinctCut} from './name-cut.js'
import {lineText} from './line-text.js'
import type {Line} from './shown.js'
import {cut, printable, widthOf} from './text.js'
import {plural} from './words.js'

const signs: Record<ChunkState, string> = {compressed: '=', uncompressed: '#', partial: '%', late: '!'}
const colours = {compressed: 'green', uncompressed: 'blue', partial: 'yellow', late: 'red'} as const
const bars = '▁▂▃▄▅▆▇█'
const unknownSize = '?'
/** Columns of a map in a pipe, and the fewest for the time axis. */
const usual = 80
const fewest = 20

export interface MapStyle {
  /** Null if stdout is not a terminal and COLUMNS is not set. */
  width: number | null
  color: boolean
}

/** The columns of the terminal for names and for time. */
export interface MapLayout {
  names: number
  columns: number
}

export interface DrawnMap {
  map: ChunkMap
  /** For each row of the map the columns of the layout. */
  columns: readonly (readonly MapColumn[])[]
  states: readonly {state: ChunkState; chunks: number; words: string}[]
  below: readonly Line[]
}

export function mapLayout({rows}: ChunkMap, {width: given}: MapStyle): MapLayout {
  const width = given ?? usual
  const natural = Math.max(0, ...rows.flatMap((row) => [nameOf(row), countOf(row)]).map(widthOf))
  const names = Math.min(natural, Math.max(6, Math.min(Math.floor(width / 3), width - fewest - 1)))
  return {names, columns: Math.max(fewest, width - names - 1)}
}

/**
 * Tables × time in characters: for each table a line of bars, by size, and a line of signs, by state, which can be read
 * without colour. Never wider than the terminal.
 */
export function renderChunkMap(drawn: DrawnMap, layout: MapLayout, style: MapStyle): string {
  return [...drawing(drawn, layout, style), ...drawn.below.map((line) => lineText(line, style.width))].join('\n')
}

function nameOf({schema, table}: MapRow): string {
  return printable(shortName(schema, table))
}

function countOf({chunks}: MapRow): string {
  return plural(chunks, 'chunk')
}

function drawing({map, columns, states}: DrawnMap, {names, columns: width}: MapLayout, {color}: MapStyle): string[] {
  if (map.from === null || map.to === null) return []
  const chalk = new Chalk({level: color ? 1 : 0})
  const {where} = distinctCut(map.rows.map(nameOf), names, names)
  const label = (text: string) => {
    const short = cut(text, names, where)
    return `${short}${' '.repeat(names - widthOf(short))} `
  }
  const lines = map.rows.flatMap((row, index) => {
    const drawn = columns[index]!
    const paint = (text: (column: NonNullable<MapColumn>) => string) =>
      drawn.map((column) => (column === null ? ' ' : chalk[colours[column.state]](text(column)))).join('')
    const largest = drawn.reduce((most, column) => Math.max(most, column?.bytes ?? 0), 1)
    return [
      `${label(nameOf(row))}${paint(({bytes}) => barOf(bytes, largest))}`.trimEnd(),
      `${label(countOf(row))}${paint(({state}) => signs[state])}`.trimEnd(),
    ]
  })
  const legend = states.map(({state, chunks, words}) => `${chalk[colours[state]](signs[state])} ${chunks} ${words}`)
  return [`${' '.repeat(names)} ${axis(map.from, map.to, width)}`, ...lines, '', ...legend, '']
}

function barOf(bytes: number | null, largest: number): string {
  if (bytes === null) return unknownSize
  return bars[Math.max(0, Math.ceil((bytes / largest) * bars.length) - 1)]!
}

/** The first and the last time, and the middle if there is room; in UTC. */
function axis(from: number, to: number, columns: number): string {
  const hours = to - from < 4 * 86_400_000
  const text = (at: number) => {
    const iso = new Date(at).toISOString()
    return hours ? `${iso.slice(5, 10)} ${iso.slice(11, 16)}` : iso.slice(0, 10)
  }
  const [start, middle, end] = [text(from), text((from + to) / 2), text(to)]
  const room = columns - start.length - middle.length - end.length
  if (room < 4) return `${start}${end.padStart(columns - start.length)}`
  const before = Math.floor(room / 2)
  return `${start}${' '.repeat(before)}${middle}${' '.repeat(room - before)}${end}`
}
