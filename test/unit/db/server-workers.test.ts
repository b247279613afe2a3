import {expect, it} from 'vitest'
import {serverLines} from '../../../src/cli/render/fleet.js'
import {serverWorkers, type WorkerShare} from '../../../src/db/server-workers.js'

const share = (starts: Record<string, number>, more: Partial<WorkerShare> = {}): WorkerShare => ({
  limit: 16,
  schedulers: 2,
  starts: new Map(Object.entries(starts)),
  ...more,
})

it('jobs of all databases count that start in the same minute', () => {
  const found = serverWorkers('db:5432', [
    {target: 'a', share: share({'02:00': 4, '03:00': 6})},
    {target: 'b', share: share({'02:00': 5, '04:00': 1})},
  ])
  expect(found).toEqual({
    server: 'db:5432',
    targets: ['a', 'b'],
    maxBackgroundWorkers: 16,
    schedulers: 2,
    jobs: 9,
    needed: 12,
    enough: true,
  })
})

it('a database with a scheduler that was not read counts with one job', () => {
  const found = serverWorkers('db:5432', [{target: 'a', share: share({'02:00': 1}, {schedulers: 8})}])!
  expect(found).toMatchObject({jobs: 8, needed: 17, enough: false})
})

it('nothing is known of a server of which no database was read', () => {
  expect(serverWorkers('db:5432', [])).toBeNull()
})

it('a server has a line if several targets share it or if it has too few workers', () => {
  const alone = serverWorkers('alone:5432', [{target: 'a', share: share({}, {schedulers: 1})}])!
  const shared = serverWorkers('shared:5432', [
    {target: 'b', share: share({})},
    {target: 'c', share: share({})},
  ])!
  const short = serverWorkers('short:5432', [{target: 'd', share: share({'02:00': 20})}])!
  const lines = serverLines([alone, shared, short])
  expect(lines.map((line) => (line.kind === 'note' ? [line.mark, line.text.split(': ')[0]] : []))).toEqual([
    ['-', 'shared:5432'],
    ['!', 'short:5432'],
  ])
})
