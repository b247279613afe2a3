/** A file that a generator writes. */
export interface GeneratedFile {
  /** Relative to the output directory. */
  path: string
  text: string
}
