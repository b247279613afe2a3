/**
 * A least squares line through sizes, as PostgreSQL's regr_ aggregates compute it. Days are counted from the day of the
 * report.
 */
export interface Trend {
  /** Number of days with a known size. */
  days: number
  /** Bytes a day. */
  slope: number
  /** Bytes on day 0. */
  intercept: number
  meanDay: number
  /** Sums of squares about the means: of days, of bytes, and of their products. */
  sxx: number
  syy: number
  sxy: number
}

/** A size in the future, in bytes; `low` and `high` are two standard errors of the prediction away. */
export interface Predicted {
  bytes: number
  low: number
  high: number
}

/** Days from the day of the report until a size is reached; infinite if it is never reached. */
export interface Crossing {
  expected: number
  earliest: number
  latest: number
}

const standardErrors = 2

/** The size on a day. No bound is below zero. */
export function predict(trend: Trend, day: number): Predicted {
  const line = trend.intercept + trend.slope * day
  const error = standardErrors * predictionError(trend, day)
  const atLeastZero = (bytes: number) => Math.max(0, Math.round(bytes))
  return {bytes: atLeastZero(line), low: atLeastZero(line - error), high: atLeastZero(line + error)}
}

/** The standard error of a single size on a day: of the line at that day, and of the sizes around the line. */
function predictionError(trend: Trend, day: number): number {
  const {days, meanDay, sxx} = trend
  return residualError(trend) * Math.sqrt(1 + 1 / days + (day - meanDay) ** 2 / sxx)
}

/** The standard error of the sizes around the line. Rounding can make the difference of the sums negative. */
function residualError({days, sxx, syy, sxy}: Trend): number {
  return Math.sqrt(Math.max(0, syy - sxy ** 2 / sxx) / (days - 2))
}

/**
 * When the line and the bounds of {@link predict} reach a size, for a line that rises. The bounds are the roots of
 * (size - line)² = (2 errors)², a quadratic equation in the days since the mean day. If the slope is within two of its
 * standard errors of zero, the lower bound never reaches the size.
 */
export function crossing(trend: Trend, size: number): Crossing {
  const {slope, intercept, meanDay, days, sxx} = trend
  const variance = (standardErrors * residualError(trend)) ** 2
  const rest = size - (intercept + slope * meanDay)
  const a = slope ** 2 - variance / sxx
  const b = slope * rest
  const root = Math.sqrt(Math.max(0, b ** 2 - a * (rest ** 2 - variance * (1 + 1 / days))))
  const fromToday = (days: number) => Math.max(0, days + meanDay)
  return {
    expected: fromToday(rest / slope),
    // The form without cancellation, which also holds where a is zero.
    earliest: fromToday((rest ** 2 - variance * (1 + 1 / days)) / (b + root)),
    latest: a > 0 ? fromToday((b + root) / a) : Infinity,
  }
}
