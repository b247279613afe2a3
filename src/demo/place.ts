import {existsSync, mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {configFileName, type Config} from '../config/load.js'
import {embeddedDirectory, type Target} from '../db/database.js'
import {holdsDatabase} from '../db/embedded.js'
import {ExitCode, OpsError} from '../errors.js'

export const demoTarget = 'local'
const defaultDirectory = '.qicore/db'

/** Where the demo lives: the configuration's target `local` where that is embedded, else `.qicore/db` here. */
export function demoPlace(config: Config | null, cwd: string): Target {
  const named = config && Object.hasOwn(config.targets, demoTarget) ? config.targets[demoTarget] : undefined
  const directory = named ? embeddedDirectory(named.url) : null
  const path = directory ? resolve(config!.directory, directory) : resolve(cwd, defaultDirectory)
  return {name: demoTarget, url: `embedded:${path}`, source: 'demo', protected: false}
}

/**
 * Makes sure that the directory is the demo's to write into, and remembers that it is.
 * @param fresh set an existing demo aside, under another name, and begin anew: nothing is ever dropped
 * @returns where the old one is now, or null
 * @throws OpsError NOT_OURS (exit 7) for a database that the demo did not make
 */
export function claimPlace(target: Target, fresh: boolean, now: Date): string | null {
  const directory = embeddedDirectory(target.url)!
  const marker = `${directory}.demo.json`
  const ours = existsSync(marker)
  if (holdsDatabase(directory) && !ours)
    throw new OpsError('NOT_OURS', `${directory} holds a database that the demo did not make; it is left alone.`, {
      exit: ExitCode.refused,
      suggestions: ['Run the demo in another directory, or give the target "local" of the configuration another one.'],
    })
  let aside: string | null = null
  if (fresh && holdsDatabase(directory)) {
    aside = `${directory}-${now.toISOString().replace(/[-:]/g, '').replace(/\..*/, '')}`
    renameSync(directory, aside)
    renameSync(marker, `${aside}.demo.json`)
  }
  mkdirSync(dirname(directory), {recursive: true})
  if (!existsSync(marker)) writeFileSync(marker, `${JSON.stringify({madeBy: 'qicore-db demo', at: now.toISOString()})}\n`)
  return aside
}

/** When the demo's directory was made, as its marker says; null where there is none. */
export function madeAt(target: Target): string | null {
  const marker = `${embeddedDirectory(target.url)!}.demo.json`
  return existsSync(marker) ? (JSON.parse(readFileSync(marker, 'utf8')) as {at: string}).at : null
}

/** Writes the configuration that makes `stats` find the demo, where there is none. @returns its path, or null */
export function writeConfig(config: Config | null, cwd: string): string | null {
  if (config !== null) return null
  const file = join(cwd, configFileName)
  writeFileSync(
    file,
    `# yaml-language-server: $schema=./node_modules/qicore-db/config.schema.json
version: 1
default: ${demoTarget}
targets:
  ${demoTarget}: {url: "embedded:${defaultDirectory}"}
`,
    {flag: 'wx'},
  )
  return file
}
