import {setTimeout as sleep} from 'node:timers/promises'
import type {Database} from '../db/database.js'
import {serverMessage} from '../db/sqlstate.js'
import {ExitCode, OpsError} from '../errors.js'
import type {ReportDocument} from '../page/document.js'
import {instantFromMillis} from '../units/instant.js'

/** An answer of the daemon's pages. */
export interface PageAnswer {
  status: 200 | 404 | 503
  html: string
}

/** The pages that the daemon serves. */
export interface Pages {
  report(): Promise<PageAnswer>
  /** The document of the report as JSON; null if there is none yet. */
  document(): Promise<ReportDocument | null>
  /** One run with its steps. */
  run(id: number): Promise<PageAnswer>
}

/** Milliseconds for which an answer is used again, so that ten viewers cost as much as one. */
const freshFor = 15_000
/** Milliseconds that a request waits for a reading; then it gets the last page, or is asked to come back. */
const waitFor = 8_000
const mostRuns = 50

export interface PageSource {
  /** Opens a session for reading; null if the database is not available. */
  session(): Promise<{db: Database; done(): void} | null>
  read(db: Database): Promise<ReportDocument>
}

interface Cached<T> {
  value: T
  at: number
}

/** Reads at most one report at a time, whatever the number of requests. */
export function createPages({session, read}: PageSource): Pages {
  let last: Cached<ReportDocument> | null = null
  let reading: Promise<unknown> | null = null
  let failure: string | null = null
  const runs = new Map<number, Cached<PageAnswer>>()

  const refresh = async () => {
    const own = await session()
    if (own === null) throw new Error('the daemon is not connected to the database')
    try {
      last = {value: await read(own.db), at: performance.now()}
      failure = null
    } finally {
      own.done()
    }
  }
  /** Returns when the document is fresh, or after `waitFor`. */
  const update = async () => {
    if (last !== null && performance.now() - last.at < freshFor) return
    reading ??= refresh()
      .catch((error: unknown) => (failure = serverMessage(error)))
      .finally(() => (reading = null))
    await Promise.race([reading, sleep(waitFor, null, {ref: false})])
  }
  const notice = () => {
    if (last !== null && performance.now() - last.at < freshFor) return null
    return failure === null ? 'The report is still being read.' : `Not up to date: ${failure}.`
  }

  return {
    async report() {
      await update()
      const {renderNotice, renderPage} = await import('../page/page.js')
      const said = notice()
      if (last !== null) return {status: 200, html: await renderPage(last.value, {live: true, notice: said})}
      return {status: 503, html: await renderNotice(said ?? 'There is no report yet.')}
    },
    async document() {
      await update()
      return last?.value ?? null
    },
    async run(id) {
      const known = runs.get(id)
      if (known !== undefined && performance.now() - known.at < freshFor) return known.value
      const value = await readRunPage(session, id)
      if (runs.size >= mostRuns) runs.clear()
      runs.set(id, {value, at: performance.now()})
      return value
    },
  }
}

async function readRunPage(session: PageSource['session'], id: number): Promise<PageAnswer> {
  const [{renderNotice, renderRun}, {readRun}] = await Promise.all([
    import('../page/page.js'),
    import('../reports/history.js'),
  ])
  let own: Awaited<ReturnType<PageSource['session']>> = null
  try {
    own = await session()
    if (own === null) return {status: 503, html: await renderNotice('The daemon is not connected to the database.')}
    const {run, steps} = await readRun(own.db, id)
    if (run === null)
      return {status: 503, html: await renderNotice('Not known: this role may not read the record of changes.')}
    return {status: 200, html: await renderRun(run, steps, instantFromMillis(Date.now()))}
  } catch (error) {
    const missing = error instanceof OpsError && error.exitCode === ExitCode.usage
    return {status: missing ? 404 : 503, html: await renderNotice(serverMessage(error))}
  } finally {
    own?.done()
  }
}
