import {formatBytes} from '../units/bytes.js'
import {barOf} from './progress.js'
import {canRewrite, stderrStatus} from './status-line.js'

export interface ByteProgress {
  (state: {bytes: number; valid: number; invalid: number}): void
  stop(): void
}

/**
 * Progress of reading a file, on stderr: a bar on a terminal, otherwise a line every ten seconds.
 * @param size null if unknown, as for stdin
 */
export function byteProgress(stream: NodeJS.WriteStream, size: number | null): ByteProgress {
  let last = Date.now()
  const words = (bytes: number, valid: number, invalid: number) =>
    `${formatBytes(bytes)}${size === null ? '' : ` of ${formatBytes(size)}`}, ${valid} valid, ${invalid} invalid`
  if (!canRewrite(stream)) {
    const line = ({bytes, valid, invalid}: {bytes: number; valid: number; invalid: number}) => {
      if (Date.now() - last < 10_000) return
      last = Date.now()
      stderrStatus.print(`${words(bytes, valid, invalid)}`)
    }
    return Object.assign(line, {stop: () => {}})
  }
  const show = ({bytes, valid, invalid}: {bytes: number; valid: number; invalid: number}) => {
    const bar = size === null || size === 0 ? '' : `${barOf(bytes / size)} ${Math.floor((bytes / size) * 100)}% `
    stderrStatus.show(`${bar}${words(bytes, valid, invalid)}`)
  }
  return Object.assign(show, {stop: () => stderrStatus.clear()})
}
