import {existsSync, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'
import {chromium, type Browser, type Page} from 'playwright-core'
import {expect} from 'vitest'
import {messageOf} from '../../src/errors.js'

/** Chromium as Debian and others install it; undefined if there is none. */
export const chromiumPath = [
  process.env.QICORE_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
  .filter((path) => path !== undefined && path !== '')
  .find((path) => existsSync(path!))

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export function openBrowser(): Promise<Browser> {
  // Containers have no user namespaces for Chromium's sandbox and little shared memory; the pages are our own.
  return chromium.launch({executablePath: chromiumPath!, args: ['--no-sandbox', '--disable-dev-shm-usage']})
}

/** A browser, or the reason why there is none. */
export async function browserIfAny(): Promise<Browser | string> {
  if (chromiumPath === undefined) return "Chromium is not installed (Debian's package chromium has it)"
  try {
    return await openBrowser()
  } catch (error) {
    return `Chromium cannot start here: ${messageOf(error).split('\n')[0]}`
  }
}

export interface Opened {
  page: Page
  /** Console errors, uncaught exceptions, and requests other than the page itself. */
  problems: string[]
  close(): Promise<void>
}

export const screens = [
  {width: 1280, colorScheme: 'light'},
  {width: 1280, colorScheme: 'dark'},
  {width: 390, colorScheme: 'light'},
  {width: 390, colorScheme: 'dark'},
] as const

/** @param allowed whether a request belongs to the page */
export async function openPage(
  browser: Browser,
  url: string,
  {width, colorScheme}: (typeof screens)[number],
  allowed: (requested: string) => boolean = (requested) => requested === url,
): Promise<Opened> {
  // The policy of the page would forbid the script of axe; a test of its own covers the policy.
  const context = await browser.newContext({viewport: {width, height: 900}, colorScheme, bypassCSP: true})
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('request', (request) => !allowed(request.url()) && problems.push(`request of ${request.url()}`))
  await page.goto(url)
  return {page, problems, close: () => context.close()}
}

/** Fails with every violation of axe-core's rules. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.addScriptTag({content: axe})
  const violations = await page.evaluate(async () => {
    const {axe} = globalThis as unknown as {
      axe: {run(): Promise<{violations: {id: string; nodes: {html: string}[]}[]}>}
    }
    return (await axe.run()).violations.map(({id, nodes}) => `${id}: ${nodes[0]!.html}`)
  })
  expect(violations).toEqual([])
}

/** Fails if the page is wider than the screen. */
export async function expectFits(page: Page): Promise<void> {
  // As text: the tests are compiled without the types of a browser.
  const [wide, room] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )
  expect(wide, 'width of the page').toBeLessThanOrEqual(room)
}

/** Opens the file on every screen: it fits, is accessible, asks for nothing and reports no error. */
export async function expectGoodPage(browser: Browser, file: string): Promise<void> {
  const url = pathToFileURL(file).href
  for (const screen of screens) {
    const {page, problems, close} = await openPage(browser, url, screen)
    await expectFits(page)
    // Each theme and each width once: axe takes seconds for a page.
    if ((screen.width === 1280) === (screen.colorScheme === 'light')) await expectAccessible(page)
    expect(problems).toEqual([])
    await close()
  }
}
