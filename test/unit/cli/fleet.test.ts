import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {fleetExitCode, fleetReport, stateOf} from '../../../src/cli/fleet/report.js'
import {runAll} from '../../../src/units/run-all.js'
import type {ExitCode} from '../../../src/errors.js'

interface Item {
  name: number
  server: string
  /** Turns of the event loop until it ends. */
  turns: number
  fails: boolean
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const failed = (item: Item, error: unknown) => `${item.name} ${error === null ? 'too slow' : (error as Error).message}`

describe('work on many targets', () => {
  const item = fc.record({server: fc.constantFrom('a', 'b', 'c'), turns: fc.nat({max: 4}), fails: fc.boolean()})

  it('is never more at a time than allowed, in all and for one server, and has a result for each in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, {maxLength: 12}),
        fc.integer({min: 1, max: 5}),
        fc.integer({min: 1, max: 3}),
        async (given, parallel, perKey) => {
          const items = given.map((each, name) => ({...each, name}))
          const running: Item[] = []
          const most = {all: 0, server: 0}
          const done: string[] = []
          const results = await runAll<Item, string>(
            items,
            {parallel, perKey, key: ({server}) => server, timeout: 60_000},
            {
              async run(each) {
                running.push(each)
                most.all = Math.max(most.all, running.length)
                const same = running.filter(({server}) => server === each.server).length
                most.server = Math.max(most.server, same)
                for (let left = each.turns; left > 0; left -= 1) await turn()
                running.splice(running.indexOf(each), 1)
                if (each.fails) throw new Error('failed')
                return `${each.name} done`
              },
              failed,
              done: (_, result) => void done.push(result),
            },
          )
          expect(results).toEqual(items.map(({name, fails}) => `${name} ${fails ? 'failed' : 'done'}`))
          expect([...done].sort()).toEqual([...results].sort())
          expect(most.all).toBeLessThanOrEqual(parallel)
          expect(most.server).toBeLessThanOrEqual(perKey)
        },
      ),
      {numRuns: 60},
    )
  })

  it.each([
    [['a', 'a', 'a', 'a'], 2],
    [['a', 'a', 'b', 'a', 'b'], 3],
  ])('on the servers %j uses all places that are allowed', async (servers, expected) => {
    let running = 0
    let most = 0
    const items = servers.map((server, name) => ({name, server, turns: 2, fails: false}))
    const run = async (): Promise<string> => {
      most = Math.max(most, (running += 1))
      for (let left = 2; left > 0; left -= 1) await turn()
      running -= 1
      return ''
    }
    const bounds = {parallel: 3, perKey: 2, key: (each: Item) => each.server, timeout: 60_000}
    await runAll<Item, string>(items, bounds, {run, failed})
    expect(most).toBe(expected)
  })

  it('gives up an item that takes too long, tells it to stop, and goes on', async () => {
    const stopped: number[] = []
    const results = await runAll<Item, string>(
      [1, 2, 3].map((name) => ({name, server: 'a', turns: 0, fails: false})),
      {parallel: 1, perKey: 1, key: ({server}) => server, timeout: 20},
      {
        run: ({name}, stop) => {
          stop.addEventListener('abort', () => void stopped.push(name))
          return name === 2 ? new Promise(() => {}) : Promise.resolve(`${name} done`)
        },
        failed,
      },
    )
    expect(results).toEqual(['1 done', '2 too slow', '3 done'])
    expect(stopped).toEqual([2])
  })

  it('has a failure for work that throws before it begins', async () => {
    const items = [{name: 1, server: 'a', turns: 0, fails: true}]
    const run = () => {
      throw new Error('at once')
    }
    const bounds = {parallel: 1, perKey: 1, key: () => '', timeout: 60_000}
    expect(await runAll<Item, string>(items, bounds, {run, failed})).toEqual(['1 at once'])
  })
})

describe('the exit code of many targets', () => {
  it.each<[string, ExitCode[], number]>([
    ['all are well', [0, 0], 0],
    ['a check found something', [0, 3, 3], 3],
    ['none can be reached', [4, 4], 4],
    ['all fail in the same way', [2, 2], 2],
    ['one has no address and the others cannot be reached', [2, 4], 4],
    ['all fail in different ways', [1, 4], 1],
    ['some fail and some do not', [0, 4], 6],
    ['some fail and a check found something in the others', [3, 1], 6],
  ])('%s: %j is %i', (_, codes, expected) => {
    expect(fleetExitCode(codes)).toBe(expected)
  })

  it('leaves out unreachable targets if asked to', () => {
    expect(fleetExitCode([4, 4], true)).toBe(0)
    expect(fleetExitCode([4, 3], true)).toBe(3)
    expect(fleetExitCode([4, 1, 0], true)).toBe(6)
  })

  it('is 0 only if every target is well, and the summary counts each target once', () => {
    const code = fc.constantFrom<ExitCode[]>(0, 1, 2, 3, 4, 5, 7)
    fc.assert(
      fc.property(fc.array(code, {minLength: 1, maxLength: 6}), (codes) => {
        expect(fleetExitCode(codes) === 0).toBe(codes.every((each) => each === 0))
        const entries = codes.map((exitCode) => ({target: 't', labels: {}, exitCode, ms: 1}))
        const {targets, ok, found, failed} = fleetReport('stats', entries).summary
        expect(ok + found + failed).toBe(targets)
        expect(failed).toBe(codes.filter((each) => stateOf(each) === 'failed').length)
      }),
    )
  })
})
