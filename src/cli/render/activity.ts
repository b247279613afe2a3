import type {ActivityReport, Horizon, Session} from '../../activity/sessions.js'
import {ageOr} from '../../units/cell-text.js'
import {closingLine, note, notes, type Around, type Line} from './shown.js'
import {plural} from './words.js'

/** Blocking sessions, what prevents VACUUM from removing dead rows, and how to end the blocker. */
export function aroundActivity(report: ActivityReport): Around<Session> {
  const {horizons, blocker, notes: remarks, at} = report
  return {
    below: [
      ...horizons.map((horizon) => horizonLine(horizon, at)),
      ...notes(remarks, ' '),
      closingLine([verdict(report)], blocker === null ? [] : [endLine(blocker)]),
    ],
  }
}

function verdict({sessions, hidden}: ActivityReport): string {
  if (sessions.length > 0) {
    const waiting = sessions.filter(({blockedBy}) => blockedBy.length > 0)
    return `${plural(sessions.length, hidden ? 'visible session' : 'session')}, ${waiting.length} blocked.`
  }
  return hidden
    ? 'This role sees no other session in this database; there may be active ones.'
    : 'No other session is active in this database.'
}

const words = {
  session: 'pid',
  prepared_transaction: 'prepared transaction',
  replication_slot: 'replication slot',
} as const

function horizonLine({kind, name, since, transactions}: Horizon, at: string): Line {
  const open = since === null ? '' : `, open for ${ageOr(since, at)}`
  const count = transactions === null ? '' : ` of the last ${plural(transactions, 'transaction')}`
  return note(`VACUUM cannot remove dead rows${count}: ${words[kind]} ${name}${open}.`, ' ')
}

function endLine({pid, blocks, end}: NonNullable<ActivityReport['blocker']>): string {
  return `${plural(blocks, 'session')} wait${blocks === 1 ? 's' : ''} for pid ${pid}. To end the wait: ${end}`
}
