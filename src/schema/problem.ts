/** A mistake in a definition and where it stands: `compression.segmentBy[1]`. */
export interface Problem {
  path: string
  message: string
}
