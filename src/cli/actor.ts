import {hostname, userInfo} from 'node:os'
import type {Server} from '../db/server.js'

/**
 * Identifies who runs this command, for the ledger and for sessions that wait for its lock: the database role, and the
 * user, host and process.
 */
export function actorOf(server: Server): string {
  let person = 'unknown'
  try {
    person = userInfo().username
  } catch {
    // The uid of a container may have no user name.
  }
  return `${server.role} (${person}@${hostname()}, pid ${process.pid})`
}
