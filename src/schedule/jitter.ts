import {createHash} from 'node:crypto'

/** Milliseconds by which an occurrence begins later; the same in every daemon, spread over jobs and instants. */
export function jitterOf({name, jitter}: {name: string; jitter: number}, instant: number): number {
  if (jitter === 0) return 0
  const random = createHash('sha1').update(`${name} ${instant}`).digest().readUInt32BE() / 2 ** 32
  return Math.floor(random * jitter)
}
