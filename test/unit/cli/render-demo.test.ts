import {expect, it} from 'vitest'
import {demoNotes, tryNext} from '../../../src/cli/render/demo.js'
import {expectCommandsParse} from '../../helpers/printed.js'

const shown = {
  directory: '/data/demo',
  asOf: '2026-10-01T00:00:00Z',
  rows: {prices: 1, candles: 2, analytics: 3, quotes: 4},
  candles: null,
}

it('a demo as of an earlier time than its rows says that it changed none, and how to get one as of that time', () => {
  expect(demoNotes({...shown, sampleUntil: '2026-11-01T00:00:00Z'}, '')).toEqual([
    'The sample market already reaches 2026-11-01 UTC, later than 2026-10-01 UTC: no sample row was added or removed. ' +
      'For a demo as of that time, add --fresh.',
  ])
  expect(demoNotes({...shown, sampleUntil: shown.asOf}, '')).toEqual([])
  expect(demoNotes({...shown, sampleUntil: null}, '')).toEqual([])
})

it('the commands to try next are ones that the program accepts, each on a line of its own', async () => {
  const text = tryNext({...shown, sampleUntil: null})
  expect(text).toContain('10 rows in /data/demo')
  expect((await expectCommandsParse(text)).map(({id}) => id)).toEqual([
    'stats compression',
    'stats chunks',
    'policies status',
    'chunks drop',
  ])
})
