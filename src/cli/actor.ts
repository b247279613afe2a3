import {hostname, userInfo} from 'node:os'
import type {Server} from '../db/server.js'

/**
 * Who runs this, for the ledger and for sessions that wait for its lock: the role, and the person, machine and process
 * behind it.
 */
export function actorOf(server: Server): string {
  let person = 'unknown'
  try {
    person = userInfo().username
  } catch {
    // A container's uid may have no name.
  }
  return `${server.role} (${person}@${hostname()}, pid ${process.pid})`
}
