/**
 * A process in which a daemon has the SQL of its jobs parsed. The parser takes 128 MB of WebAssembly memory, some 40 MB
 * of it in use, and never gives it back; a thread leaves half of that behind in malloc's arenas, a process nothing.
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
