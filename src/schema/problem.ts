/** A mistake in a definition, and its path: `compression.segmentBy[1]`. */
export interface Problem {
  path: string
  message: string
}
