import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'

const made: string[] = []

/** Called after each test file by after-file.ts. */
export function removeTemporaryDirectories(): void {
  for (const directory of made.splice(0)) rmSync(directory, {recursive: true, force: true})
}

/** An empty directory that is removed after the test file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qicore-db-test-'))
  made.push(directory)
  return directory
}

/** A temporary directory with these files. */
export function directoryWith(files: Record<string, string>): string {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), {recursive: true})
    writeFileSync(path, text)
  }
  return directory
}
