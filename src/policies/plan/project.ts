import type {Change} from './change.js'
import {kindOfChange} from '../kinds/index.js'
import type {TableState} from '../table-state.js'

/** The state of a table after its changes, which the checks read. A new plan against it has no changes. */
export function project(state: TableState, changes: readonly Change[]): TableState {
  return changes.filter(({key}) => key === state.key).reduce(after, state)
}

function after(state: TableState, change: Change): TableState {
  if (change.do === 'chunk interval') return {...state, chunkInterval: change.to}
  if (change.do === 'remove') return {...state, policies: state.policies.filter(({kind}) => kind !== change.kind)}
  return kindOfChange(change)!.project(state, change)
}
