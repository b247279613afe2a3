/**
 * What stdout is: COLUMNS over the terminal's own width; null where no terminal shows it. Colour only on a terminal,
 * and never against NO_COLOR.
 */
export function terminal(): {width: number | null; height: number | null; color: boolean} {
  const {NO_COLOR, FORCE_COLOR, TERM} = process.env
  const forced = FORCE_COLOR !== undefined && !['', '0', 'false'].includes(FORCE_COLOR)
  return {
    width: widthOfStream(process.stdout),
    height: process.stdout.isTTY === true ? process.stdout.rows || null : null,
    color: !NO_COLOR && (forced || (process.stdout.isTTY === true && TERM !== 'dumb')),
  }
}

/** The width of what is printed on stderr; COLUMNS counts there too. */
export function stderrWidth(): number | null {
  return widthOfStream(process.stderr)
}

/** COLUMNS over the width of the terminal that the stream is; null where it is none, or says that it has no width. */
export function widthOfStream(stream: {columns?: number}): number | null {
  const given = Number(process.env.COLUMNS)
  return Number.isInteger(given) && given > 0 ? given : stream.columns || null
}

/** Where lines for people are broken: the width of the terminal; null in a pipe, also where COLUMNS is set. */
export function lineWidth(stream: {isTTY?: boolean; columns?: number}): number | null {
  return stream.isTTY === true ? widthOfStream(stream) : null
}
