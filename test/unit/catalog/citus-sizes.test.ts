import {expect, it} from 'vitest'
import {combineNodes} from '../../../src/catalog/citus-sizes.js'

// As recorded from Citus 13.2.2: a parent has shards too, which have no pages.
const tables = [
  {relation: 1, name: 'public.ticks', shards: 4, placements: 4, nodes: 2},
  {relation: 2, name: 'public.ticks_y2026m01', shards: 4, placements: 4, nodes: 2},
  {relation: 3, name: 'public.exchanges', shards: 1, placements: 2, nodes: 2},
]
const first = {
  node: '127.0.0.1:5541',
  result:
    '[["public.ticks", 2, 0, 0, 0, 0], ["public.ticks_y2026m01", 2, 0, 1982464, 802816, 19008], ["public.exchanges", 1, 0, 24576, 16384, 3]]',
  error: null,
}
const second = {
  node: '127.0.0.1:5542',
  result:
    '[["public.ticks", 2, 0, 0, 0, 0], ["public.ticks_y2026m01", 2, 0, 2449408, 999424, 24191], ["public.exchanges", 1, 0, 24576, 16384, 0]]',
  error: null,
}

it('bytes are those of all copies, and rows those of one', () => {
  const {byName, byRelation, unanswered} = combineNodes(tables, [first, second])
  expect(byRelation.get(2)).toMatchObject({bytes: 4_431_872, indexBytes: 1_802_240, rows: 43_199, missing: null})
  expect(byName.get('public.exchanges')).toMatchObject({bytes: 49_152, rows: 3, shards: 1})
  expect(unanswered).toEqual([])
})

it('a node that did not answer is named, and nothing that it holds is known', () => {
  const refused = {node: '127.0.0.1:5542', result: null, error: 'Connection refused'}
  const {byName, unanswered} = combineNodes(tables, [first, refused])
  expect(unanswered).toEqual([{node: '127.0.0.1:5542', error: 'Connection refused'}])
  expect(byName.get('public.ticks_y2026m01')).toMatchObject({
    bytes: null,
    measuredBytes: 1_982_464,
    rows: null,
    missing: 'unanswered',
  })
})

it('a locked shard makes its table unknown, and differs from a shard that was moved', () => {
  const locked = {...second, result: '[["public.ticks_y2026m01", 1, 1, 1000, 500, 9]]'}
  expect(combineNodes(tables, [first, locked]).byName.get('public.ticks_y2026m01')).toMatchObject({
    bytes: null,
    missing: 'locked',
  })
  const moved = {...second, result: '[["public.ticks_y2026m01", 1, 0, 1000, 500, 9]]'}
  expect(combineNodes(tables, [first, moved]).byName.get('public.ticks_y2026m01')).toMatchObject({
    bytes: null,
    missing: 'moved',
  })
})

it('a table that was never analyzed has unknown rows and known bytes', () => {
  const fresh = {...second, result: '[["public.ticks_y2026m01", 2, 0, 1000, 500, null]]'}
  expect(combineNodes(tables, [first, fresh]).byName.get('public.ticks_y2026m01')).toMatchObject({
    bytes: 1_983_464,
    rows: null,
  })
})
