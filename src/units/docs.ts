import {relative} from 'node:path'
import {fileURLToPath} from 'node:url'

/** A page of the documentation where this package is installed, as it is reached from the working directory. */
export function docsPage(name: string): string {
  const file = fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url))
  const near = relative(process.cwd(), file)
  return near.startsWith('..') ? file : near
}
