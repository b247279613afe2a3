import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'

/** A style sheet or script of the page, with the hash that a Content-Security-Policy names it by. */
export interface Asset {
  text: string
  /** `'sha256-…'` */
  source: string
}

const loaded = new Map<string, Asset>()

/** @param name a file of assets/page/, two levels up from both src/page and dist/page */
export function asset(name: 'page.css' | 'page.js' | 'live.js'): Asset {
  let known = loaded.get(name)
  if (known === undefined) {
    const text = readFileSync(new URL(`../../assets/page/${name}`, import.meta.url), 'utf8')
    known = {text, source: `'sha256-${createHash('sha256').update(text).digest('base64')}'`}
    loaded.set(name, known)
  }
  return known
}
