import {setTimeout as sleep} from 'node:timers/promises'
import {Hono, type Context} from 'hono'
import {secureHeaders} from 'hono/secure-headers'
import {messageOf} from '../errors.js'
import {withJsonInstants} from '../units/json-instants.js'
import {hasToken, hostCheck, isLoopback} from './access.js'
import {isAlive, readinessOf, type HealthState, type Readiness} from './health.js'
import type {Metrics} from './metrics.js'
import type {PageAnswer, Pages} from './pages.js'

export interface Watched {
  health(): HealthState
  /** Resolves when the state of the ledger in `health` is at most `maxAge` milliseconds old. */
  check(maxAge: number): Promise<void>
}

export interface ServedTarget extends Watched {
  name: string
  pages: Pages
}

export interface Served {
  targets(): readonly ServedTarget[]
  metrics: Metrics
  /** What the pages require; null: they are served on a loopback address only. */
  token: string | null
}

/** The greatest age of the ledger's state in /readyz, in milliseconds. */
const freshFor = 5_000
/** Milliseconds. Probes usually time out after a second or two; if the ledger takes longer, it is not ready. */
const checkTimeout = 800

/**
 * Health and metrics are open to everyone who reaches the address, as probes need. The pages name tables, statements
 * and roles: beyond a loopback address they need the token.
 * @param host the address that the server listens on
 */
export function routes(host: string, served: Served): Hono {
  const {targets, metrics} = served
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
    const alive = targets().every((target) => isAlive(target.health()))
    return c.json({alive}, alive ? 200 : 503)
  })
  app.get('/readyz', async (c) => {
    const chosen = chosenTargets(targets(), c.req.query('target'))
    if (chosen === null) return c.json({error: 'no such target'}, 404)
    const known = await readinessOfAll(chosen)
    return c.json(known, known.ready ? 200 : 503)
  })
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, {'content-type': metrics.contentType}))

  const guarded = (serve: (c: Context) => Promise<Response>) => (c: Context) =>
    refusal(c, host, served.token) ?? serve(c)
  app.get(
    '/',
    guarded(async (c) => {
      const all = targets()
      return all.length === 1 ? page(c, await all[0]!.pages.report()) : page(c, await targetIndex(all))
    }),
  )
  const paged = (serve: (pages: Pages, c: Context) => Promise<PageAnswer>) =>
    guarded(async (c) => {
      const [target, ...others] = chosenTargets(targets(), c.req.param('name')) ?? []
      return target === undefined || others.length > 0
        ? c.json({error: 'no such target'}, 404)
        : page(c, await serve(target.pages, c))
    })
  app.get(
    '/targets/:name/',
    paged((pages) => pages.report()),
  )
  for (const path of ['/runs/:id{[0-9]{1,15}}', '/targets/:name/runs/:id{[0-9]{1,15}}'])
    app.get(
      path,
      paged((pages, c) => pages.run(Number(c.req.param('id')))),
    )
  app.get(
    '/report.json',
    guarded(async (c) => {
      const chosen = chosenTargets(targets(), c.req.query('target'))
      if (chosen === null) return c.json({error: 'no such target'}, 404)
      if (chosen.length > 1) return c.json({error: 'say which target: /report.json?target=<name>'}, 400)
      const document = await chosen[0]!.pages.document()
      return document === null
        ? c.json({error: 'there is no report yet'}, 503)
        : c.json(withJsonInstants(document) as object)
    }),
  )
  app.notFound((c) => c.json({error: 'not found: use /, /report.json, /healthz, /readyz or /metrics'}, 404))
  app.onError((error, c) => c.json({error: messageOf(error)}, 500))
  return app
}

/** All targets without a name; null if no target has the name. */
function chosenTargets(targets: readonly ServedTarget[], name: string | undefined): readonly ServedTarget[] | null {
  if (name === undefined) return targets
  const named = targets.filter((target) => target.name === name)
  return named.length === 0 ? null : named
}

/** Ready if all are. Problems name their target if there are several. */
async function readinessOfAll(targets: readonly ServedTarget[]) {
  const all = await Promise.all(targets.map(async (target) => ({name: target.name, ...(await readiness(target))})))
  return {
    ready: all.every(({ready}) => ready),
    problems: all.flatMap(({name, problems}) =>
      all.length > 1 ? problems.map((text) => `${name}: ${text}`) : problems,
    ),
    targets: all.map(({name, ready, problems}) => ({target: name, ready, reason: ready ? null : problems.join('; ')})),
  }
}

async function readiness(target: Watched): Promise<Readiness> {
  const answered = await Promise.race([
    target.check(freshFor).then(() => true),
    sleep(checkTimeout, false, {ref: false}),
  ])
  const known = readinessOf(target.health())
  if (answered || !known.ready) return known
  return {ready: false, problems: [`the ledger has not answered within ${checkTimeout / 1000} s`]}
}

async function targetIndex(targets: readonly ServedTarget[]): Promise<PageAnswer> {
  const {renderTargets} = await import('../page/targets.js')
  const states = (await readinessOfAll(targets)).targets
  return {status: 200, html: await renderTargets(states)}
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
