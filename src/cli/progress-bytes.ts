import {formatBytes} from '../units/bytes.js'

export interface ByteProgress {
  (state: {bytes: number; valid: number; invalid: number}): void
  stop(): void
}

/**
 * Progress of reading a file on stderr: a bar on a terminal, a line every ten seconds elsewhere.
 * @param size null where nobody knows, as on stdin
 */
export async function byteProgress(stream: NodeJS.WriteStream, size: number | null): Promise<ByteProgress> {
  let last = Date.now()
  const words = (bytes: number, valid: number, invalid: number) => `${formatBytes(bytes)}${size === null ? '' : ` of ${formatBytes(size)}`}, ${valid} valid, ${invalid} invalid`
  if (!stream.isTTY) {
    const line = ({bytes, valid, invalid}: {bytes: number; valid: number; invalid: number}) => {
      if (Date.now() - last < 10_000) return
      last = Date.now()
      stream.write(`${words(bytes, valid, invalid)}\n`)
    }
    return Object.assign(line, {stop: () => {}})
  }
  const {default: cliProgress} = await import('cli-progress')
  const bar = new cliProgress.SingleBar({stream, format: size === null ? '{words}' : '{bar} {percentage}% {words}', clearOnComplete: true, hideCursor: true, linewrap: false, barsize: 20}, cliProgress.Presets.rect)
  let started = false
  const show = ({bytes, valid, invalid}: {bytes: number; valid: number; invalid: number}) => {
    if (Date.now() - last < 100) return
    last = Date.now()
    if (!started) bar.start(size ?? 0, bytes, {words: ''})
    started = true
    bar.update(bytes, {words: words(bytes, valid, invalid)})
  }
  return Object.assign(show, {stop: () => bar.stop()})
}
