/** A mistake in a declaration. The message begins with its place in the configuration. */
export interface Problem {
  code: string
  message: string
  suggestion: string
}
