import {expect, it} from 'vitest'
import type {ActivityReport} from '../../../src/activity/sessions.js'
import {aroundActivity} from '../../../src/cli/render/activity.js'

const nothing: ActivityReport = {
  kind: 'activity',
  version: 1,
  target: null,
  at: '2026-11-29T12:00:00Z',
  hidden: false,
  sessions: [],
  horizons: [],
  blocker: null,
  notes: [],
}

it('says that no session is active only if the role sees all of them', () => {
  const shown = (report: ActivityReport) => JSON.stringify(aroundActivity(report))
  expect(shown(nothing)).toContain('No other session is active')
  expect(shown({...nothing, hidden: true})).not.toContain('No other session is active')
})
