import type {Session} from './session.js'

/** Milliseconds that an answer may be on its way after the server's own limit. */
const answerGrace = 5_000

/**
 * Gives a connection up whose server does not answer within statement_timeout and a little: a socket can stay open with
 * nothing behind it. Each answer begins the wait for the next.
 * @param limit statement_timeout in milliseconds; 0: no limit
 */
export function silenceWatch(giveUp: Session['giveUp'], limit: number): <T>(answer: Promise<T>) => Promise<T> {
  if (limit === 0 || giveUp === null) return (answer) => answer
  let asked = 0
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(timer)
    timer = asked > 0 ? setTimeout(() => giveUp((limit + answerGrace) / 1000), limit + answerGrace) : undefined
  }
  const answered = () => {
    asked -= 1
    wait()
  }
  return (answer) => {
    asked += 1
    if (asked === 1) wait()
    answer.then(answered, answered)
    return answer
  }
}
