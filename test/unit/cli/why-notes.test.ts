import {expect, it} from 'vitest'
import {whyNotes} from '../../../src/cli/render/history.js'

it('the history says below the table why runs failed or held something back, and nothing of runs that are done', () => {
  const run = {reason: null, error: null}
  const lines = whyNotes([
    {...run, id: 4, status: 'done'},
    {...run, id: 3, status: 'failed', error: 'public.cagg has not covered 2026-11-09'},
    {...run, id: 2, status: 'skipped', reason: 'refused', error: 'known defect'},
    {...run, id: 1, status: 'skipped', reason: 'enforced by timescaledb'},
  ])
  expect(JSON.stringify(lines)).toContain('3: public.cagg has not covered 2026-11-09')
  expect(JSON.stringify(lines)).toContain('2: refused; known defect')
  expect(lines).toHaveLength(2)
})
