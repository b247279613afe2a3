import {accessSync, constants} from 'node:fs'
import {delimiter, join} from 'node:path'

/**
 * Commands in a text as a person has to type them here: `npx qicore-db …` where that is how this run was started, or
 * where the program is not on PATH. Only on a terminal: what programs read always says `qicore-db`.
 */
export function withInvocation(text: string, stream: {isTTY?: boolean}): string {
  if (!stream.isTTY || invocation() === 'qicore-db') return text
  return text.replace(/(?<![\w./-]|npx )qicore-db(?= [a-z-])/g, invocation())
}

let known: string | undefined

function invocation(): string {
  known ??= process.env.npm_command === 'exec' || !onPath() ? 'npx qicore-db' : 'qicore-db'
  return known
}

function onPath(): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .some((directory) =>
      ['qicore-db', ...(process.platform === 'win32' ? ['qicore-db.cmd'] : [])].some((name) => {
        try {
          accessSync(join(directory, name), constants.X_OK)
          return true
        } catch {
          return false
        }
      }),
    )
}
