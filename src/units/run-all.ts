/** The limits of work on many items. */
export interface Bounds<Item> {
  /** Items in work at the same time. */
  parallel: number
  /** Of these, items with the same key. */
  perKey: number
  key(item: Item): string
  /** Milliseconds for one item. */
  timeout: number
  /** Asked before each item begins: false ends the whole when the items in work have ended. */
  goOn?(): boolean
}

export interface Work<Item, Result> {
  /** @param signal aborted when the time of the item is over */
  run(item: Item, signal: AbortSignal): Promise<Result>
  /** The result of an item that took too long or whose work threw; `error` is null if it took too long. */
  failed(item: Item, error: unknown): Result | Promise<Result>
  /** Called with each result when it is there, before the next item of the same place begins. */
  done?(item: Item, result: Result, ms: number): void
}

/**
 * Works on every item, in order as far as the bounds allow. No failure ends the whole: it is the result of its item. An
 * item that takes too long gives up its place at once, even if its work does not end.
 * @returns the results in the order of the items; without those that `goOn` prevented
 */
export async function runAll<Item, Result>(
  items: readonly Item[],
  {parallel, perKey, key, timeout, goOn = () => true}: Bounds<Item>,
  {run, failed, done}: Work<Item, Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>()
  const waiting = items.map((item, index) => ({item, index, key: key(item)}))
  const running = new Map<string, number>()
  const next = () => {
    if (!goOn()) waiting.length = 0
    const index = waiting.findIndex((each) => (running.get(each.key) ?? 0) < perKey)
    return index < 0 ? undefined : waiting.splice(index, 1)[0]
  }
  const one = async (item: Item): Promise<Result> => {
    try {
      return await within(timeout, (signal) => run(item, signal))
    } catch (error) {
      return failed(item, error instanceof TimeIsOver ? null : error)
    }
  }
  await new Promise<void>((resolve, reject) => {
    let active = 0
    const fill = () => {
      for (let entry = active < parallel ? next() : undefined; entry; entry = active < parallel ? next() : undefined) {
        const {item, index, key: itemKey} = entry
        active += 1
        running.set(itemKey, (running.get(itemKey) ?? 0) + 1)
        const started = performance.now()
        one(item)
          .then((result) => {
            results.set(index, result)
            done?.(item, result, Math.round(performance.now() - started))
            active -= 1
            running.set(itemKey, running.get(itemKey)! - 1)
            fill()
          })
          .catch(reject)
      }
      if (active === 0 && waiting.length === 0) resolve()
    }
    fill()
  })
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}

class TimeIsOver extends Error {}

async function within<R>(ms: number, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(new TimeIsOver())
    }, ms)
  })
  try {
    return await Promise.race([work(controller.signal), over])
  } finally {
    clearTimeout(timer)
  }
}
