import {accessSync, constants} from 'node:fs'
import {delimiter, join} from 'node:path'

/**
 * Replaces commands in a text by what the operator must type here: `npx qicore-db …` if this run was started like that
 * or the program is not on PATH. Only for a terminal; output for programs always has `qicore-db`.
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
