import {parseMigration} from '../../../src/schema/migrate/parse.js'

/** A text of SQL cut into its statements. */
export async function inStatements(text: string): Promise<string[]> {
  return (await parseMigration(text, 'test')).map((statement) => statement.text)
}
