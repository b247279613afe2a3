/**
 * The page of `report` with 10 000 chunks in a browser: the time until a key press shows the details of a bar, against
 * the time until an empty page is loaded. The limit is twice the empty page plus a second.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {Browser} from 'playwright-core'
import {renderPage} from '../src/page/page.js'
import {chromiumPath, openBrowser} from '../test/helpers/browser.js'
import {reportDocument} from '../test/helpers/report-document.js'
import {race, report} from './measure.js'

const rounds = 7

if (chromiumPath === undefined) console.log('page: skipped, Chromium is not installed')
else {
  const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))
  const browser = await openBrowser()
  try {
    const tables = Object.fromEntries(Array.from({length: 10}, (_, index) => [`table_${index}`, 1_000]))
    const began = performance.now()
    const page = await renderPage(reportDocument(tables))
    console.log(`render: ${Math.round(performance.now() - began)} ms, ${Math.round(page.length / 1000)} kB`)
    const [whole, empty] = ['page.html', 'empty.html'].map((name) => join(directory, name)) as [string, string]
    writeFileSync(whole, page)
    writeFileSync(empty, '<!doctype html><title>empty</title>')
    const times = await race(rounds, {
      empty: () => loaded(browser, empty, false),
      page: () => loaded(browser, whole, true),
    })
    report('page of 10 000 chunks', Object.values(times), [
      {
        what: 'interactive, against two empty pages and a second',
        ratio: times.page.median / (2 * times.empty.median + 1_000),
        atMost: 1,
      },
    ])
  } finally {
    await browser.close()
    rmSync(directory, {recursive: true})
  }
}

/** Opens the page, and if it is interactive waits until the chunk map answers a key. */
async function loaded(browser: Browser, file: string, interactive: boolean): Promise<void> {
  const page = await browser.newPage()
  await page.goto(pathToFileURL(file).href)
  if (interactive) {
    await page.locator('.cells').first().focus()
    await page.keyboard.press('ArrowLeft')
    await page.waitForFunction('document.querySelector(".row .detail").textContent !== ""')
  }
  await page.close()
}
