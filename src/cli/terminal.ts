/**
 * What stdout is: COLUMNS over the terminal's own width; null where nobody looks at it. Colour only on a terminal, and
 * never against NO_COLOR.
 */
export function terminal(): {width: number | null; color: boolean} {
  const {NO_COLOR, FORCE_COLOR, TERM, COLUMNS} = process.env
  const said = Number(COLUMNS)
  const width = Number.isInteger(said) && said > 0 ? said : (process.stdout.columns ?? null)
  const forced = FORCE_COLOR !== undefined && !['', '0', 'false'].includes(FORCE_COLOR)
  return {width, color: !NO_COLOR && (forced || (process.stdout.isTTY === true && TERM !== 'dumb'))}
}

/** The width of what is said on stderr; COLUMNS counts there too. */
export function stderrWidth(): number | null {
  const said = Number(process.env.COLUMNS)
  return Number.isInteger(said) && said > 0 ? said : (process.stderr.columns ?? null)
}
