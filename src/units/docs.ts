import {relative} from 'node:path'
import {fileURLToPath} from 'node:url'

/** Path of a page of the installed documentation, relative to the working directory. */
export function docsPage(name: string): string {
  const file = fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url))
  const near = relative(process.cwd(), file)
  return near.startsWith('..') ? file : near
}
