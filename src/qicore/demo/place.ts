import {existsSync, mkdirSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {configFileName, type Config} from '../../config/load.js'
import {embeddedDirectory, type Target} from '../../db/database.js'
import {environmentNamesDatabase, type Environment} from '../../db/libpq.js'
import {holdsDatabase, isHalfMade, lockDirectory} from '../../db/embedded-directory.js'
import {ExitCode, OpsError} from '../../errors.js'
import type {GivenFlags} from '../../units/command.js'

export const demoTarget = 'local'
const defaultDirectory = '.qicore/db'

/** The database of the demo: the target `local` of the configuration if it is embedded, else `.qicore/db` in `cwd`. */
export function demoPlace(config: Config | null, cwd: string): Target {
  const named = config && Object.hasOwn(config.targets, demoTarget) ? config.targets[demoTarget] : undefined
  const directory = named ? embeddedDirectory(named.url) : null
  const path = directory ? resolve(config!.directory, directory) : resolve(cwd, defaultDirectory)
  return {name: demoTarget, url: `embedded:${path}`, source: 'demo', protected: false}
}

/** What the demo found in its directory before it wrote there. */
export interface Claim {
  /** The new path of a database that was renamed, or null. */
  aside: string | null
  /** Why it was renamed. */
  reason: 'fresh' | 'half made' | null
  /** Removes the marker again if no database was created. */
  release(): void
}

/**
 * Checks that the demo may write into the directory, and records that it may.
 * @param fresh rename an existing demo database and start with an empty one; nothing is deleted
 * @throws OpsError NOT_OURS (exit 7) for a database that the demo did not create, IN_USE for one that is open
 */
export async function claimPlace(target: Target, fresh: boolean, now: Date): Promise<Claim> {
  const directory = embeddedDirectory(target.url)!
  const marker = `${directory}.demo.json`
  const ours = existsSync(marker)
  const halfMade = isHalfMade(directory)
  if ((halfMade || holdsDatabase(directory)) && !ours)
    throw new OpsError('NOT_OURS', `${directory} holds a database that the demo did not make. Nothing was changed.`, {
      exit: ExitCode.refused,
      suggestions: [
        'Run the demo in another directory, or give the target "local" of the configuration another directory.',
      ],
    })
  const reason = reasonToSetAside(directory, halfMade, fresh)
  const aside = reason === null ? null : await setAside(directory, marker, now)
  mkdirSync(dirname(directory), {recursive: true})
  if (!existsSync(marker))
    writeFileSync(marker, `${JSON.stringify({madeBy: 'qicore-db demo', at: now.toISOString()})}\n`)
  return {
    aside,
    reason,
    release: () => {
      if (!existsSync(directory)) rmSync(marker, {force: true})
    },
  }
}

function reasonToSetAside(directory: string, halfMade: boolean, fresh: boolean): 'half made' | 'fresh' | null {
  if (halfMade) return 'half made'
  return fresh && holdsDatabase(directory) ? 'fresh' : null
}

/** Holds the database's lock: another process that has it open would keep writing under the old name. */
async function setAside(directory: string, marker: string, now: Date): Promise<string> {
  const unlock = await lockDirectory(directory, {command: 'qicore-db/demo'})
  const aside = `${directory}-${now.toISOString().replace(/[-:]/g, '').replace(/\..*/, '')}`
  renameSync(directory, aside)
  renameSync(marker, `${aside}.demo.json`)
  unlock()
  return aside
}

/**
 * The flags that other commands need to reach the demo; none if they find it by themselves.
 * @param config the configuration before {@link writeConfig}
 */
export function flagsFor(target: Target, config: Config | null, env: Environment): GivenFlags {
  const inConfig = config === null || embeddedDirectory(config.targets[demoTarget]?.url ?? '') != null
  if (!inConfig) return {url: target.url}
  const elsewhere =
    [env.QICORE_DB_URL, env.QICORE_TARGET, env.DATABASE_URL].some(Boolean) || environmentNamesDatabase(env)
  const byDefault = config === null || config.default === demoTarget
  return elsewhere || !byDefault ? {target: demoTarget} : {}
}

/**
 * Writes a configuration that selects the demo, if none exists.
 * @returns its path, or null
 */
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
