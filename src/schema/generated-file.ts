/** A file that a generator writes. */
export interface GeneratedFile {
  /** Relative to whatever it is written below. */
  path: string
  text: string
}
