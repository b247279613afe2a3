import type {Change} from './change.js'
import type {LiveRule, TableState} from './table-state.js'

const bare: Omit<LiveRule, 'kind' | 'by'> = {
  job: null,
  after: null,
  createdBefore: null,
  startOffset: null,
  endOffset: null,
  schedule: null,
  gate: null,
}
// The id that a job will have is not known before it is made.
const newJob = {id: -1, scheduled: true}

/** A table as it stands after its changes: what a proof looks at, and what makes the next plan empty. */
export function project(state: TableState, changes: readonly Change[]): TableState {
  return changes.filter(({key}) => key === state.key).reduce(after, state)
}

function after(state: TableState, change: Change): TableState {
  const {policies} = state
  const without = (gone: (rule: LiveRule) => boolean) => policies.filter((rule) => !gone(rule))
  const jobOf = (id: number | null) => (id === null ? newJob : {id, scheduled: true})
  switch (change.do) {
    case 'chunk interval':
      return {...state, chunkInterval: change.to}
    case 'settings':
      return {...state, compression: change.settings}
    case 'compression':
      return {
        ...state,
        policies: [
          ...without(({kind, by}) => kind === 'compression' && by === 'timescaledb'),
          {...bare, kind: 'compression', by: 'timescaledb', job: jobOf(change.job), after: change.after},
        ],
      }
    case 'refresh': {
      const {by, startOffset, endOffset, every} = change
      const rule: LiveRule = {
        ...bare,
        kind: 'refresh',
        by,
        job: by === 'qicore' ? null : jobOf(change.job),
        startOffset,
        endOffset,
        schedule: every,
      }
      return {...state, policies: [...without(({kind}) => kind === 'refresh'), rule]}
    }
    case 'gated retention': {
      const {maxDropPerRun, timeUnit} = change
      const gate = {maxDropPerRun, timeUnit, consentValid: true, jobConsentMatches: true, duplicateJobs: []}
      const rule: LiveRule = {
        ...bare,
        kind: 'retention',
        by: 'qicore',
        job: change.scheduler ? jobOf(change.job) : null,
        after: change.after,
        gate,
      }
      return {...state, policies: [...without(({kind}) => kind === 'retention'), rule]}
    }
    case 'native retention':
      return {
        ...state,
        policies: [
          ...without(({kind}) => kind === 'retention'),
          {...bare, kind: 'retention', by: 'timescaledb', job: jobOf(change.job), after: change.after},
        ],
      }
    case 'remove':
      return {...state, policies: without(({kind}) => kind === change.kind)}
  }
}
