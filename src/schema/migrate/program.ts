import {readFileSync} from 'node:fs'

/** The version of this program from package.json, which is the same three levels up from src/ and from dist/. */
export const programVersion = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {version: string}
).version
