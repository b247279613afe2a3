import {expect, it} from 'vitest'
import {refreshFix} from '../../../src/db/refresh-fix.js'

const view = {schema: 'public', view: 'it\'s "odd"'}

it('a range of instants is refreshed by a command', () => {
  const range = {from: '2024-01-01T00:00:00Z', to: '2024-01-02T00:00:00Z'} as const
  expect(refreshFix(view, range)).toEqual({
    kind: 'command',
    text: `qicore-db aggregates refresh 'public."it'\\''s ""odd"""' --from 2024-01-01T00:00:00Z --to 2024-01-02T00:00:00Z`,
  })
})

it('a range of integers is refreshed in psql, because a flag takes only instants, whatever their size', () => {
  for (const [from, to] of [[0, 10_000] as const, ['9223372036854775806', '9223372036854775807'] as const])
    expect(refreshFix(view, {from, to})).toEqual({
      kind: 'sql',
      text: `call refresh_continuous_aggregate('public."it''s ""odd"""', ${from}, ${to})`,
    })
})
