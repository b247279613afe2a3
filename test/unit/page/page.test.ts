import {createHash} from 'node:crypto'
import {expect, it} from 'vitest'
import type {ReportDocument} from '../../../src/page/document.js'
import {contentSecurityPolicy, renderPage} from '../../../src/page/page.js'
import {reportDocument} from '../../helpers/report-document.js'

/** The document with every text replaced, except where only certain texts are possible. */
function withTexts(document: ReportDocument, text: string): ReportDocument {
  const fixed = new Set([
    'status',
    'kind',
    'severity',
    'rangeUnit',
    'state',
    'day',
    'runner',
    'sizeBasis',
    'flags',
    'basis',
  ])
  const walk = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return fixed.has(key) ? value : value.map((each) => walk(each, key))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, walk(each, name)]))
    const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value)
    return typeof value === 'string' && !fixed.has(key) && !isTime ? text : value
  }
  return walk(document, '') as ReportDocument
}

it('no text of the database becomes markup', async () => {
  const document = reportDocument({prices: 3})
  const plain = await renderPage(withTexts(document, 'X'))
  const hostile = await renderPage(withTexts(document, `"><img src=x onerror='alert(1)'></script><b>`))
  const tags = (page: string) => page.match(/<[a-z!/][^\s>]*/g)
  expect(tags(hostile)).toEqual(tags(plain))
  expect(hostile).toContain('&lt;img src=x')
})

it('stays under 500 kB with 10 000 chunks in ten tables, and with a thousand tables of ten chunks', async () => {
  const few = Object.fromEntries(Array.from({length: 10}, (_, index) => [`table_${index}`, 1_000]))
  const many = Object.fromEntries(Array.from({length: 1_000}, (_, index) => [`table_${index}`, 10]))
  for (const tables of [few, many]) expect((await renderPage(reportDocument(tables))).length).toBeLessThan(500_000)
})

it('a part that could not be read is replaced by the reason and the next command', async () => {
  const error = {
    code: 'NO_PRIVILEGE',
    message: 'Cannot read the policies: permission denied',
    exitCode: 1,
    retryable: false,
    suggestions: ['GRANT pg_monitor TO app'],
  } as const
  const document = reportDocument({prices: 1})
  const page = await renderPage({...document, policies: {report: null, error}, stats: {report: null, error}})
  expect(page.split('Cannot read the policies: permission denied (NO_PRIVILEGE)')).toHaveLength(3)
  expect(page).toContain('GRANT pg_monitor TO app')
  // What the parts would have shown is unknown, not zero.
  expect(page).toMatch(/<dt>policies late<\/dt><dd>-<\/dd>/)
  expect(page).toMatch(/<dt>size<\/dt><dd>-<\/dd>/)
})

it('the forecast of the database is in words, and its chart covers the recorded days and the forecast', async () => {
  const page = await renderPage(reportDocument({prices: 1}))
  expect(page).toContain(
    'The database has 130 GB and grows by 1.00 GB per day; in 90 days 220 GB, between 210 GB and 230 GB.',
  )
  expect(page).toContain('Size of the database prod by day, from 100 GB to 129 GB, with a forecast')
  const [, path] = /<path class="line" d="([^"]+)"/.exec(page)!
  expect(path!.split('L')).toHaveLength(30)
})

it('its policy allows exactly the style sheet and the scripts that it contains', async () => {
  for (const live of [false, true]) {
    const page = await renderPage(reportDocument({prices: 1}), {live})
    const contents = [...page.matchAll(/<(style|script)>(.*?)<\/\1>/gs)].map(([, , text]) => text!)
    const hashes = contents.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    expect(contentSecurityPolicy(live).match(/'sha256-[^']+'/g)).toEqual(hashes)
    expect(contentSecurityPolicy(live)).toContain("default-src 'none'")
  }
  const file = await renderPage(reportDocument({prices: 1}))
  expect(file).toContain(`content="${contentSecurityPolicy(false).replaceAll("'", '&#39;')}"`)
})

it('what is in backticks is code, and an address is a link without a referrer', async () => {
  const document = reportDocument({prices: 1})
  document.doctor.report!.checks[0]!.findings[0] = {
    ...document.doctor.report!.checks[0]!.findings[0]!,
    fix: {kind: 'advice', text: 'Run `qicore-db doctor`, see https://example.org/a?b=c.'},
  }
  const page = await renderPage(document)
  expect(page).toContain('<code>qicore-db doctor</code>')
  expect(page).toContain('<a href="https://example.org/chunks" rel="noreferrer">example.org/chunks</a>.')
})

it('the disk of report --disk is a sentence, and a line in the chart where it is less than three times the forecast', async () => {
  const document = reportDocument({prices: 1})
  const gigabyte = 2 ** 30
  const withDisk = (bytes: number) =>
    renderPage({
      ...document,
      growth: {
        report: {
          ...document.growth.report!,
          disk: {
            bytes,
            tablespace: null,
            state: 'growing',
            fullOn: '2026-05-01',
            earliest: '2026-04-20',
            latest: '2026-05-12',
            why: null,
          },
        },
        error: null,
      },
    })
  const [near, far] = [await withDisk(300 * gigabyte), await withDisk(2_000 * gigabyte)]
  for (const page of [near, far]) expect(page).toContain('full on 2026-05-01, between 2026-04-20 and 2026-05-12.')
  expect(near).toMatch(/<line class="limit"/)
  expect(far).not.toMatch(/<line class="limit"/)
})
