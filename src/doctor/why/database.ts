import type {Server} from '../../db/server.js'
import type {Candidate, Evidence} from './explanation.js'

/** What is wrong with the database explains all that does not run in it. */
export function databaseCandidates({condition}: Pick<Server, 'condition'>): Candidate[] {
  return condition.map(({code, message, fix}) => ({
    depth: 'database',
    code,
    message,
    fix: {kind: 'advice', text: fix},
  }))
}

export function databaseEvidence({condition}: Pick<Server, 'condition'>): Evidence[] {
  return condition.map(({message}) => ({topic: 'database', message}))
}
