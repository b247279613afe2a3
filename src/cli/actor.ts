import {hostname, userInfo} from 'node:os'
import type {Server} from '../db/server.js'

/** Who runs this, for the ledger: the database's role and the person and machine behind it. */
export function actorOf(server: Server): string {
  let person = 'unknown'
  try {
    person = userInfo().username
  } catch {
    // A container's uid may have no name.
  }
  return `${server.role} (${person}@${hostname()})`
}
