import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {afterAll, describe, expect, it} from 'vitest'
import {renderPage} from '../../src/page/page.js'
import {prices} from '../helpers/catalog-time-series.js'
import {browserIfAny, expectGoodPage, openPage, screens} from '../helpers/browser.js'
import {expectExit, runCli} from '../helpers/cli.js'
import {forEachEngine, skipBecause} from '../helpers/engines.js'
import {temporaryDirectory} from '../helpers/files.js'
import {reportDocument} from '../helpers/report-document.js'

const browser = await browserIfAny()
afterAll(async () => {
  if (typeof browser !== 'string') await browser.close()
})

if (typeof browser === 'string') skipBecause(browser)
else
  describe('the page in a browser', {timeout: 180_000}, () => {
    it('with 10 000 chunks fits, is accessible and asks for nothing', async () => {
      const tables = Object.fromEntries(Array.from({length: 10}, (_, index) => [`table_${index}`, 1_000]))
      const file = join(temporaryDirectory(), 'page.html')
      writeFileSync(file, await renderPage(reportDocument(tables)))
      await expectGoodPage(browser, file)
    })

    it('shows the details of a bar by keyboard and by pointer', async () => {
      const file = join(temporaryDirectory(), 'page.html')
      writeFileSync(file, await renderPage(reportDocument({prices: 5})))
      const {page, problems, close} = await openPage(browser, pathToFileURL(file).href, screens[0])
      const detail = page.locator('.row .detail')
      await page.locator('.cells').focus()
      await expect.poll(() => detail.textContent()).toContain('_hyper_1_0_chunk, 2026-02-01 11:00 to 2026-02-01 12:00')
      await page.keyboard.press('ArrowLeft')
      await expect.poll(() => detail.textContent()).toContain('_hyper_1_1_chunk')
      await page.keyboard.press('Home')
      expect(await page.locator('.cells').getAttribute('aria-valuetext')).toContain('_hyper_1_4_chunk')
      await page.locator('.cells rect').nth(2).hover()
      await expect.poll(() => detail.textContent()).toContain('_hyper_1_2_chunk')
      expect(problems).toEqual([])
      await close()
    })

    forEachEngine({kinds: ['timescaledb', 'postgres']}, (engine) => {
      it('of a database with findings fits, is accessible and asks for nothing', async () => {
        const url = await engine.urlFor(async (database) => {
          if (engine.kind === 'timescaledb') return prices(database)
          await database.run(
            `create table ticks (time timestamptz not null, "a <b>" text) partition by range (time);
             create table ticks_2026_01 partition of ticks for values from ('2026-01-01') to ('2026-02-01');
             create table ticks_default partition of ticks default;
             insert into ticks values ('2026-01-15', 'x'), ('2027-01-15', 'y')`,
          )
        })
        const cwd = temporaryDirectory()
        expectExit(await runCli(['report', '--url', url, '--html', 'page.html'], {cwd}), 0)
        await expectGoodPage(browser, join(cwd, 'page.html'))
      })
    })
  })
