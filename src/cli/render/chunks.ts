import {shortName} from '../../db/qualified-name.js'
import type {ChunksReport, ChunkStats} from '../../reports/chunks.js'
import {command} from '../../units/command.js'
import {closingLine, notes, type Around} from './shown.js'
import {plural} from './words.js'

/** The newest chunks that fit the screen, overdue work, and the command that does it. */
export function aroundChunks(report: ChunksReport, late: boolean): Around<ChunkStats> {
  const {chunks} = report
  if (chunks.length === 0)
    return {
      below: [...notes(report.notes), closingLine([late ? noneLate(report) : 'There are no chunks.'])],
    }
  return {
    brief: (rows, most) => {
      const rest = rows.length - most
      return {
        rows: rows.slice(0, most),
        rest: rest > 0 ? `${rest} more (--limit shows more; --csv and --json have them all)` : null,
      }
    },
    below: [...notes(report.notes), closingLine([counts(report, late)], next(report))],
  }
}

function noneLate({totalChunks, unknownChunks}: ChunksReport): string {
  return unknownChunks === 0
    ? `None of the ${totalChunks} chunks has outstanding work.`
    : `No outstanding work is known; ${unknownChunks} of ${plural(totalChunks, 'chunk')} unknown.`
}

function counts({chunks, totalChunks, unknownChunks}: ChunksReport, late: boolean): string {
  if (late)
    return `${chunks.length} of ${plural(totalChunks, 'chunk')}${unknownChunks > 0 ? `, ${unknownChunks} unknown` : ''}.`
  const notDone = chunks.filter((chunk) => chunk.due).length
  const unknown = chunks.filter((chunk) => chunk.due === null).length
  const open = unknown === chunks.length ? 'not done: unknown' : `${notDone} not done`
  const rest = unknown > 0 && unknown < chunks.length ? `, ${unknown} unknown` : ''
  return `${plural(totalChunks, 'chunk')}, ${open}${rest}.`
}

function next({chunks}: ChunksReport): string[] {
  const due = chunks.filter((chunk) => chunk.due)
  const compress = due.find(({duePolicy}) => duePolicy === 'compression')
  if (compress !== undefined)
    return [`Fix: ${command('chunks compress', [shortName(compress.schema, compress.table)], {'dry-run': true})}`]
  const drop = due.at(-1)
  return drop === undefined ? [] : [`Why: ${command('policies status', [shortName(drop.schema, drop.table)])}`]
}
