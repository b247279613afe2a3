import type {Session} from './session.js'

/** Milliseconds to wait for a response beyond statement_timeout. */
const answerGrace = 5_000

/**
 * Closes the connection if the server does not respond within statement_timeout plus 5 s: a socket can stay open
 * although the server is gone. Each response restarts the timer.
 * @param limit statement_timeout in milliseconds; 0 means no limit
 * @param reached settles when the server has ended the transactions sent before: their time does not count
 */
export function silenceWatch(
  giveUp: Session['giveUp'],
  limit: number,
  reached: Promise<void>,
): <T>(answer: Promise<T>) => Promise<T> {
  if (limit === 0 || giveUp === null) return (answer) => answer
  let asked = 0
  let isReached = false
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(timer)
    timer =
      asked > 0 && isReached ? setTimeout(() => giveUp((limit + answerGrace) / 1000), limit + answerGrace) : undefined
  }
  const answered = () => {
    asked -= 1
    wait()
  }
  void reached.then(() => {
    isReached = true
    wait()
  })
  return (answer) => {
    asked += 1
    if (asked === 1) wait()
    answer.then(answered, answered)
    return answer
  }
}
