/** A sleep that `ring` ends early; a ring while not sleeping ends the next sleep at once. */
export function alarmClock(): {sleep(milliseconds: number): Promise<void>; ring(): void} {
  let wake = () => {}
  let rung = false
  return {
    sleep: (milliseconds) =>
      new Promise<void>((resolve) => {
        if (rung) {
          rung = false
          return resolve()
        }
        const timer = setTimeout(resolve, milliseconds)
        wake = () => {
          clearTimeout(timer)
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
