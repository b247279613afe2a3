import {describe, expect, it} from 'vitest'
import {holdersOf, type NodeHolders} from '../../../src/run/node-holders.js'

const holder = (pid: number, gpid: string | null, relation = 'ticks_1_102008') => ({
  pid,
  user: 'app',
  application: 'psql',
  state: 'idle in transaction',
  query: 'select 1',
  seconds: 3,
  mode: 'AccessShareLock',
  relation,
  gpid,
})
const node = (id: number, found: object[] | null): NodeHolders => ({
  id,
  node: `10.0.0.${id}:5432`,
  local: id === 1,
  result: found === null ? null : JSON.stringify(found),
})
const shown = (nodes: NodeHolders[], known: number[] = []) =>
  holdersOf(nodes, new Set(known)).map(({node: at, pid, relation}) => `${pid} on ${at}: ${relation}`)

describe('the sessions that hold a lock on a node of Citus', () => {
  it('are named with their node', () => {
    expect(shown([node(1, []), node(2, [holder(77, null)])])).toEqual(['77 on 10.0.0.2:5432: ticks_1_102008'])
  })

  it('are one row for a session that reads shards of several nodes, and that row is the session of the client', () => {
    const nodes = [node(1, []), node(2, [holder(77, '30000004711')]), node(3, [holder(78, '30000004711')])]
    expect(shown(nodes)).toEqual(['4711 on 10.0.0.3:5432: ticks_1_102008 of 10.0.0.2:5432'])
  })

  it('are left out if they were found on this server already', () => {
    const nodes = [node(1, [holder(42, null)]), node(2, [holder(77, '10000000042')])]
    expect(shown(nodes, [42])).toEqual([])
    expect(shown(nodes)).toEqual(['42 on 10.0.0.1:5432: ticks_1_102008'])
  })

  it('of a node that is no longer known are those of the shard, and a node that is down has none', () => {
    expect(shown([node(1, null), node(2, [holder(77, '90000000042')])])).toEqual([
      '77 on 10.0.0.2:5432: ticks_1_102008',
    ])
  })
})
