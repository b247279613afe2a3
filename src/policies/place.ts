import type {Table} from '../catalog/table.js'
import type {Server} from '../db/server.js'
import type {Place} from './kinds/kind.js'

/** The facts that decide whether a table can have a kind of policy. */
export function placeOf({kind, id}: Table, {engine}: Pick<Server, 'engine'>): Place {
  return {kind, native: id !== null, engine}
}
