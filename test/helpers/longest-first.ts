import {readFileSync, statSync} from 'node:fs'
import {BaseSequencer, type TestSpecification} from 'vitest/node'

/** The longest timeout in the file: `}, 600_000)` or `timeout = 600_000`. */
export function longestTimeout(text: string): number {
  return Math.max(
    0,
    ...[...text.matchAll(/(?:\}, |timeout = )(\d+_000)\b/g)].map(([, number]) => Number(number!.replaceAll('_', ''))),
  )
}

/**
 * Files with the longest timeouts run first, then the larger ones. A short file that runs the binary a dozen times on
 * the embedded engine takes minutes; started last, it would keep one worker busy alone.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weigh = (file: TestSpecification) => ({
      file,
      timeout: longestTimeout(readFileSync(file.moduleId, 'utf8')),
      bytes: statSync(file.moduleId).size,
    })
    return files
      .map(weigh)
      .sort((a, b) => b.timeout - a.timeout || b.bytes - a.bytes)
      .map(({file}) => file)
  }
}
