import type {Progress} from '../run/run-step.js'
import {formatBytes} from '../units/bytes.js'
import {formatElapsed} from '../units/elapsed.js'
import {canRewrite, stderrStatus} from './status-line.js'

export interface ProgressView {
  (progress: Progress): void
  stop(): void
}

/**
 * Progress of a plan on stderr: a bar with bytes and remaining time on a terminal, otherwise a line every ten seconds.
 */
export function planProgress(stream: NodeJS.WriteStream): ProgressView {
  return canRewrite(stream) ? bar() : lines()
}

/** `[#####     ] 25% …`, twenty columns wide. */
export function barOf(part: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * 20)
  return `[${'#'.repeat(filled)}${' '.repeat(20 - filled)}]`
}

function bar(): ProgressView {
  let began = Date.now()
  let ended = 0
  let bytes = 0
  const show = (progress: Progress) => {
    const {step} = progress
    if (progress.event === 'start' && ended === 0) began = Math.min(began, Date.now())
    if (progress.event === 'advance') return stderrStatus.show(`${step.object}: ${progress.words}`)
    if (progress.event === 'wait')
      return stderrStatus.show(`${step.object} waits ${formatElapsed(progress.seconds * 1000)}: ${progress.reason}`)
    if (progress.event === 'end') {
      ended += 1
      bytes += progress.report.bytes ?? 0
    }
    const {total} = progress
    stderrStatus.show(
      [
        barOf(ended / total),
        `${ended}/${total}`,
        ...(bytes > 0 ? [formatBytes(bytes)] : []),
        left(began, ended, total),
        step.object,
      ]
        .filter(Boolean)
        .join(' '),
    )
  }
  const stop = () => {
    stderrStatus.clear()
    ;[ended, bytes, began] = [0, 0, Date.now()]
  }
  return Object.assign(show, {stop})
}

/** Estimated from the finished steps; nothing before the first one has finished. */
function left(began: number, ended: number, total: number): string {
  if (ended === 0 || ended === total) return ''
  const ms = ((Date.now() - began) / ended) * (total - ended)
  return `${formatElapsed(Math.round(ms / 1000) * 1000)} left`
}

function lines(): ProgressView {
  let last = Date.now()
  const advanced = (object: string, words: string) => {
    if (Date.now() - last < 10_000) return
    last = Date.now()
    stderrStatus.print(`${object}: ${words}`)
  }
  const show = (progress: Progress) => {
    if (progress.event === 'advance') return advanced(progress.step.object, progress.words)
    if (progress.event === 'wait')
      stderrStatus.print(`${progress.step.id} waits ${formatElapsed(progress.seconds * 1000)}: ${progress.reason}`)
    if (progress.event !== 'end' || Date.now() - last < 10_000) return
    last = Date.now()
    stderrStatus.print(`${progress.position + 1} of ${progress.total}: ${progress.step.id} ${progress.report.status}`)
  }
  return Object.assign(show, {stop: () => {}})
}
