import {accessSync, constants, realpathSync} from 'node:fs'
import {basename, delimiter, isAbsolute, join, relative} from 'node:path'
import {binary, shellWord} from '../units/command.js'

/**
 * Replaces the program's name in printed commands by what works in the operator's shell: `npx qicore-db …`, or the
 * path by which this process was started, unless the program is on PATH. Only for a terminal; output for programs always
 * has `qicore-db`.
 */
export function withInvocation(text: string, stream: {isTTY?: boolean}): string {
  if (!stream.isTTY) return text
  known ??= invocation({argv: process.argv, environment: process.env, cwd: process.cwd()})
  return known === binary ? text : text.replace(/(?<![\w./-]|npx )qicore-db(?= [a-z<-])/g, known)
}

let known: string | undefined

interface Started {
  /** Of the process: node, then the path of the script. */
  argv: readonly string[]
  environment: {PATH?: string | undefined; npm_command?: string | undefined}
  cwd: string
}

/** How the operator can start this program again. */
export function invocation({argv, environment, cwd}: Started): string {
  // npm puts the package's own programs on PATH, but only for its child processes.
  if (environment.npm_command !== undefined) return `npx ${binary}`
  const script = argv[1]
  const paths = (environment.PATH ?? '').split(delimiter).filter(Boolean)
  if (script === undefined || paths.some((directory) => hasProgram(directory, script))) return binary
  const near = relative(cwd, script)
  const path = near.startsWith('..') || isAbsolute(near) ? script : near
  // A name without a slash would be looked up on PATH.
  const typed = shellWord(/[\\/]/.test(path) ? path : `./${path}`)
  return basename(script) === binary ? typed : `node ${typed}`
}

/** Whether the first `qicore-db` of a directory of PATH is this program, as far as its path shows. */
function hasProgram(directory: string, script: string): boolean {
  return [binary, ...(process.platform === 'win32' ? [`${binary}.cmd`] : [])].some((name) => {
    try {
      const file = join(directory, name)
      accessSync(file, constants.X_OK)
      // Other installers than npm make a wrapper, which does not show what it starts.
      const real = realpathSync(file)
      return !/\.[cm]?js$/.test(real) || real === realpathSync(script)
    } catch {
      return false
    }
  })
}
