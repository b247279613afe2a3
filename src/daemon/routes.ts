import {setTimeout as sleep} from 'node:timers/promises'
import {Hono, type Context} from 'hono'
import {secureHeaders} from 'hono/secure-headers'
import {messageOf} from '../errors.js'
import {hasToken, hostCheck, isLoopback} from './access.js'
import {isAlive, readinessOf, type HealthState} from './health.js'
import type {Metrics} from './metrics.js'
import type {PageAnswer, Pages} from './pages.js'

export interface Watched {
  health(): HealthState
  /** Resolves when the state of the ledger in `health` is at most `maxAge` milliseconds old. */
  check(maxAge: number): Promise<void>
}

export interface Served {
  watched: Watched
  metrics: Metrics
  pages: Pages
  /** What the pages require; null: they are served on a loopback address only. */
  token: string | null
}

/** The greatest age of the ledger's state in /readyz, in milliseconds. */
const freshFor = 5_000
/** Milliseconds. Probes usually time out after a second or two; if the ledger takes longer, it is not ready. */
const checkTimeout = 800

/**
 * Health and metrics are open to everyone who reaches the address, as probes need. The pages name tables, statements and
 * roles: beyond a loopback address they need the token.
 * @param host the address that the server listens on
 */
export function routes(host: string, served: Served): Hono {
  const {watched, metrics, pages} = served
  const isServed = hostCheck(host)
  const app = new Hono()
  app.use(secureHeaders({strictTransportSecurity: false, xFrameOptions: 'DENY', referrerPolicy: 'no-referrer'}))
  app.use(async (c, next) => {
    c.header('cache-control', 'no-store')
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return c.json({error: 'GET or HEAD'}, 405)
    if (!isServed(c.req.header('host')))
      return c.json({error: 'only this machine may use this address: use localhost or 127.0.0.1 as the host'}, 403)
    return next()
  })
  app.get('/healthz', (c) => {
    const alive = isAlive(watched.health())
    return c.json({alive}, alive ? 200 : 503)
  })
  app.get('/readyz', async (c) => {
    const known = await readiness(watched)
    return c.json(known, known.ready ? 200 : 503)
  })
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, {'content-type': metrics.contentType}))

  const guarded = (serve: (c: Context) => Promise<Response>) => (c: Context) =>
    refusal(c, host, served.token) ?? serve(c)
  app.get(
    '/',
    guarded(async (c) => page(c, await pages.report())),
  )
  app.get(
    '/runs/:id{[0-9]{1,15}}',
    guarded(async (c) => page(c, await pages.run(Number(c.req.param('id'))))),
  )
  app.get(
    '/report.json',
    guarded(async (c) => {
      const document = await pages.document()
      return document === null ? c.json({error: 'there is no report yet'}, 503) : c.json(document)
    }),
  )
  app.notFound((c) => c.json({error: 'not found: use /, /report.json, /healthz, /readyz or /metrics'}, 404))
  app.onError((error, c) => c.json({error: messageOf(error)}, 500))
  return app
}

async function readiness({health, check}: Watched) {
  const answered = await Promise.race([check(freshFor).then(() => true), sleep(checkTimeout, false, {ref: false})])
  const known = readinessOf(health())
  if (answered || !known.ready) return known
  return {ready: false, problems: [`the ledger has not answered within ${checkTimeout / 1000} s`]}
}

/** Null if the request may see the pages. */
function refusal(c: Context, host: string, token: string | null): Response | null {
  if (token === null) {
    if (isLoopback(host)) return null
    return c.json({error: 'the pages need a token on this address: set QICORE_DAEMON_TOKEN or --token-file'}, 403)
  }
  if (hasToken(c.req.header('authorization'), token)) return null
  return c.json({error: 'the token is missing or wrong'}, 401, {'www-authenticate': 'Basic realm="qicore-db"'})
}

async function page(c: Context, {status, html}: PageAnswer): Promise<Response> {
  const {contentSecurityPolicy} = await import('../page/page.js')
  if (status === 503) c.header('retry-after', '5')
  return c.html(html, status, {'content-security-policy': contentSecurityPolicy(true)})
}
