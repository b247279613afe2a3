import {parseMigration} from '../../../src/schema/migrate/parse.js'

/** Splits SQL text into its statements. */
export async function inStatements(text: string): Promise<string[]> {
  return (await parseMigration(text, 'test')).map((statement) => statement.text)
}
