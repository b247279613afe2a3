import type {ProcessClock} from '../units/process-clock.js'

/** A sleep that `ring` ends early; a ring while not sleeping ends the next sleep at once. */
export function alarmClock(clock: ProcessClock): {sleep(milliseconds: number): Promise<void>; ring(): void} {
  let wake = () => {}
  let rung = false
  return {
    sleep: (milliseconds) =>
      new Promise<void>((resolve) => {
        if (rung) {
          rung = false
          return resolve()
        }
        const timer = clock.after(milliseconds, resolve)
        wake = () => {
          timer.cancel()
          rung = false
          resolve()
        }
      }),
    ring() {
      rung = true
      wake()
    },
  }
}
