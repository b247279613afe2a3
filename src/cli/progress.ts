import type {Progress} from '../plan/run-step.js'
import {formatBytes} from '../units/bytes.js'

export interface ProgressView {
  (progress: Progress): void
  stop(): void
}

/** Progress of a plan on stderr: a bar with bytes and time left on a terminal, a line every ten seconds elsewhere. */
export async function planProgress(stream: NodeJS.WriteStream): Promise<ProgressView> {
  return stream.isTTY ? bar(stream) : lines(stream)
}

async function bar(stream: NodeJS.WriteStream): Promise<ProgressView> {
  const {default: cliProgress} = await import('cli-progress')
  const view = new cliProgress.SingleBar({
    stream,
    format: '{bar} {value}/{total} {bytes} {eta_formatted} left  {what}',
    clearOnComplete: true,
    hideCursor: true,
    linewrap: false,
    barsize: 20,
    etaBuffer: 20,
  }, cliProgress.Presets.rect)
  let bytes = 0
  let started = false
  const show = (progress: Progress) => {
    const {step} = progress
    if (!started && progress.event === 'start') {
      view.start(progress.total, progress.position, {bytes: '', what: step.object})
      started = true
    }
    if (progress.event === 'start') view.update({what: step.object})
    if (progress.event === 'wait') view.update({what: `waits ${Math.round(progress.seconds)} s: ${progress.reason}`})
    if (progress.event === 'end') {
      bytes += progress.report.bytes ?? 0
      view.increment(1, {bytes: bytes > 0 ? formatBytes(bytes) : '', what: step.object})
    }
  }
  return Object.assign(show, {stop: () => view.stop()})
}

function lines(stream: NodeJS.WriteStream): ProgressView {
  let last = Date.now()
  const show = (progress: Progress) => {
    if (progress.event === 'wait') stream.write(`${progress.step.id} waits ${Math.round(progress.seconds)} s: ${progress.reason}\n`)
    if (progress.event !== 'end' || Date.now() - last < 10_000) return
    last = Date.now()
    stream.write(`${progress.position + 1} of ${progress.total}: ${progress.step.id} ${progress.report.status}\n`)
  }
  return Object.assign(show, {stop: () => {}})
}
