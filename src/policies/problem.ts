/** What is wrong with a declaration, with its place in the configuration. */
export interface Problem {
  code: string
  message: string
  suggestion: string
}
