/**
 * A child process that parses the SQL of jobs for a daemon. The parser reserves 128 MB of WebAssembly memory, uses
 * about 40 MB of it and never frees it. A worker thread would leave half of that in malloc's arenas; a process leaves
 * nothing.
 */
import type {JobOptions} from '../../config/jobs.js'
import {messageOf} from '../../errors.js'
import type {ParsedStatement} from '../../schema/migrate/parse.js'
import {readStatements} from './sql-text.js'

export type Text = {name: string; options: JobOptions['sql']}
export type ReadText = {name: string; statements: ParsedStatement[]} | {name: string; problem: string}

process.once('message', (texts: Text[]) => {
  void Promise.all(
    texts.map(
      ({name, options}): Promise<ReadText> =>
        readStatements(name, options).then(
          (statements) => ({name, statements}),
          (error: unknown) => ({name, problem: messageOf(error)}),
        ),
    ),
  ).then((read) => process.send!(read, () => process.disconnect()))
})
