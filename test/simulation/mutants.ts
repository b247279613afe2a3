/** Ledgers without one of the conditions, by which the tests see that the invariants can fail. */
import {sqlError, MemoryLedger, type JobRow, type LogRow} from './memory-ledger.js'

class TokenNotCompared extends MemoryLedger {
  protected override holds(row: LogRow): boolean {
    return row.status === 'running'
  }
}

class LeaseNotChecked extends MemoryLedger {
  protected override isExpired(): boolean {
    return true
  }

  // Otherwise the lock of the running step would still protect the claim.
  protected override isLocked(): boolean {
    return false
  }
}

class RevisionNotCompared extends MemoryLedger {
  protected override isUnchanged(): boolean {
    return true
  }
}

class StepRepeated extends MemoryLedger {
  protected override isStepNew(): boolean {
    return true
  }
}

class TokensReissued extends MemoryLedger {
  protected override skipTokens(): void {}
}

class LastSkipForgotten extends MemoryLedger {
  override claim(...[requests, ...rest]: Parameters<MemoryLedger['claim']>) {
    const forgetful = requests.map((request) => {
      const {skips} = request.decision
      return {...request, decision: {...request.decision, skips: skips.slice(0, Math.max(0, skips.length - 1))}}
    })
    return super.claim(forgetful, ...rest)
  }
}

class ResultsLost extends MemoryLedger {
  override finishAll(...[all]: Parameters<MemoryLedger['finishAll']>): Set<number> {
    return new Set(all.map(({claim}) => claim.id))
  }
}

class VersionsBackdated extends MemoryLedger {
  override setState(...given: Parameters<MemoryLedger['setState']>): boolean {
    const job = this.jobs.get(given[0])
    const changed = super.setState(...given)
    if (changed && job !== undefined) backdate(job)
    return changed
  }
}

function backdate(job: JobRow): void {
  const versions = [...job.versions]
  const last = versions.pop()
  if (last === undefined) throw sqlError('XX000')
  job.versions = [...versions, {...last, validFrom: job.lastAt - 60_000}]
}

/** By what is missing. */
export const mutants = {
  'the token is not compared': TokenNotCompared,
  'the lease is not checked': LeaseNotChecked,
  'revision and last_at are not compared': RevisionNotCompared,
  'a step is done again': StepRepeated,
  'tokens are issued again after a failover': TokensReissued,
  'one skipped due time gets no row': LastSkipForgotten,
  'a result is acknowledged and not written': ResultsLost,
  'a schedule begins before last_at': VersionsBackdated,
} as const
