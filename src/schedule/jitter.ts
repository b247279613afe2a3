import {createHash} from 'node:crypto'

/** The delay of an occurrence in milliseconds: the same in every daemon, different for each job and due time. */
export function jitterOf({name, jitter}: {name: string; jitter: number}, instant: number): number {
  if (jitter === 0) return 0
  const random = createHash('sha1').update(`${name} ${instant}`).digest().readUInt32BE() / 2 ** 32
  return Math.floor(random * jitter)
}
