import {readFileSync} from 'node:fs'

/** The version of this program, as package.json has it: the same three steps up from src/ and from dist/. */
export const programVersion = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {version: string}
).version
