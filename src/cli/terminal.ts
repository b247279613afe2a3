/**
 * Properties of stdout: COLUMNS takes precedence over the terminal's width; null if it is not a terminal. Colour only
 * on a terminal and without NO_COLOR.
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

/** The width for stderr; COLUMNS applies there too. */
export function stderrWidth(): number | null {
  return widthOfStream(process.stderr)
}

/** COLUMNS, else the width of the terminal; null if the stream is not a terminal or reports no width. */
export function widthOfStream(stream: {columns?: number}): number | null {
  const given = Number(process.env.COLUMNS)
  return Number.isInteger(given) && given > 0 ? given : stream.columns || null
}

/** The width at which lines for people are wrapped; null for a pipe, even if COLUMNS is set. */
export function lineWidth(stream: {isTTY?: boolean; columns?: number}): number | null {
  return stream.isTTY === true ? widthOfStream(stream) : null
}
