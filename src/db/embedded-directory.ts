/** The directory of an embedded database: its lock, and the creation of a new database. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {ExitCode, OpsError} from '../errors.js'
import {command} from '../units/command.js'
import {lockFile, type Holder} from './lock-file.js'

/**
 * Inside the directory, so that every path of the directory (`D/.`, a symbolic link, another mount) leads to the same
 * lock file.
 */
const lockName = 'qicore-db.lock'
/** The subdirectory in which a new database is created; it is moved up when it is complete. */
const makingName = 'qicore-db.making'
/** A marker in that subdirectory: the database is complete, and the move may start. */
const completeName = 'qicore-db.complete'
const versionName = 'PG_VERSION'

/** A directory that this process has locked. */
export interface OwnedDirectory {
  /** The absolute path without symbolic links. */
  path: string
  /** Where to create a new database before {@link moveIntoPlace}; null if the directory already has one. */
  making: string | null
  unlock(): void
}

/** Whether the directory holds a complete database of this engine, or of any PostgreSQL. */
export function holdsDatabase(directory: string): boolean {
  return existsSync(join(directory, versionName)) && existsSync(join(directory, 'global', 'pg_control'))
}

/**
 * Whether the directory holds an incomplete database from an older version, which created databases in place. A
 * creation that this version left incomplete does not count: the next open finishes or restarts it.
 */
export function isHalfMade(directory: string): boolean {
  const names = entriesOf(directory)
  if (holdsDatabase(directory) || names.includes(makingName)) return false
  return names.includes(versionName) || ['base', 'global', 'pg_wal'].some((name) => names.includes(name))
}

/**
 * Locks a directory, and prepares the creation of a database if it has none.
 * @param create if false, a directory that does not exist or has no database is an error and is not changed
 * @throws OpsError IN_USE, NO_DATABASE, NOT_A_DATABASE
 */
export async function ownDirectory(directory: string, create: boolean, holder: Holder): Promise<OwnedDirectory> {
  requireUsable(directory, create)
  try {
    mkdirSync(directory, {recursive: true})
  } catch (error) {
    throw unusable(`${directory} cannot be created (${(error as NodeJS.ErrnoException).code}).`)
  }
  const path = realpathSync(directory)
  const unlock = await lockDirectory(directory, holder)
  try {
    // Another process may have changed the directory between the first check and the lock.
    if (!existsSync(join(path, versionName))) requireUsable(directory, create)
    return {path, making: prepareMaking(path), unlock}
  } catch (error) {
    unlock()
    throw error
  }
}

/** Locks a directory, whatever it contains. Returns a function that unlocks it. @throws OpsError IN_USE */
export function lockDirectory(directory: string, holder: Holder): Promise<() => void> {
  return lockFile(join(realpathSync(directory), lockName), `The database in ${directory}`, holder)
}

/**
 * Moves a completely created database into its directory. If the process is killed in between, the next open continues
 * the move.
 */
export function moveIntoPlace(path: string): void {
  const making = join(path, makingName)
  writeFileSync(join(making, completeName), '')
  finishMove(path)
}

function finishMove(path: string): void {
  const making = join(path, makingName)
  chmodSync(path, statSync(making).mode & 0o777)
  // PG_VERSION is moved last: if it exists, everything else does.
  const names = readdirSync(making).filter((name) => name !== completeName && name !== versionName)
  for (const name of [...names, versionName])
    if (existsSync(join(making, name))) renameSync(join(making, name), join(path, name))
  rmSync(making, {recursive: true})
}

/** Finishes or restarts an interrupted creation. Only the subdirectory for creation is ever deleted. */
function prepareMaking(path: string): string | null {
  const making = join(path, makingName)
  if (existsSync(join(making, completeName))) finishMove(path)
  rmSync(making, {recursive: true, force: true})
  if (existsSync(join(path, versionName))) return null
  mkdirSync(making)
  return making
}

function requireUsable(directory: string, create: boolean): void {
  if (existsSync(join(directory, versionName))) return
  const interrupted = existsSync(join(directory, makingName, completeName))
  const foreign = entriesOf(directory).filter((name) => name !== lockName && name !== makingName)
  if (foreign.length > 0 && !interrupted)
    throw unusable(`${directory} is not a database: it has files, but no PG_VERSION.`)
  if (!create)
    throw new OpsError('NO_DATABASE', `There is no database in ${directory} yet.`, {
      exit: ExitCode.cannotConnect,
      suggestions: [
        `To create one with sample data: ${command('demo')}`,
        `To create one with empty tables: ${command('migrate up')}`,
      ],
    })
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    throw unusable(`${directory} cannot be read as a directory (${code}).`)
  }
}

function unusable(message: string): OpsError {
  return new OpsError('NOT_A_DATABASE', message, {exit: ExitCode.cannotConnect, suggestions: [nameAnother]})
}

export const nameAnother = 'Use another directory with --url; an empty one becomes a new database.'
