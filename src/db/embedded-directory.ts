/** The directory of an embedded database: who may open it, and how a new one comes to be. */
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
 * Inside the directory, so that every name of the directory (`D/.`, a symbolic link, another mount of it) leads to
 * the same file, and with it to the same lock.
 */
const lockName = 'qicore-db.lock'
/** A new database is made in here and moved up when it is complete. */
const makingName = 'qicore-db.making'
/** In the directory above: the database in there is complete, and the move may begin. */
const completeName = 'qicore-db.complete'
const versionName = 'PG_VERSION'

/** A directory that this process alone may use. */
export interface OwnedDirectory {
  /** The absolute path without symbolic links. */
  path: string
  /** Where a new database is to be made before {@link moveIntoPlace}; null where the directory holds one. */
  making: string | null
  unlock(): void
}

/** True where the directory holds a whole database of this engine, or of any PostgreSQL. */
export function holdsDatabase(directory: string): boolean {
  return existsSync(join(directory, versionName)) && existsSync(join(directory, 'global', 'pg_control'))
}

/**
 * True for files of a database that was never complete, made by a version that did not make it apart. What this
 * version left is no such case: the next opening finishes it.
 */
export function isHalfMade(directory: string): boolean {
  const names = entriesOf(directory)
  if (holdsDatabase(directory) || names.includes(makingName)) return false
  return names.includes(versionName) || ['base', 'global', 'pg_wal'].some((name) => names.includes(name))
}

/**
 * Locks a directory and says what is in it.
 * @param create false: a directory that does not exist, or has no database, is an error and stays as it is
 * @throws OpsError IN_USE, NO_DATABASE, NOT_A_DATABASE
 */
export async function ownDirectory(directory: string, create: boolean, holder: Holder): Promise<OwnedDirectory> {
  requireUsable(directory, create)
  try {
    mkdirSync(directory, {recursive: true})
  } catch (error) {
    throw unusable(`${directory} cannot be made (${(error as NodeJS.ErrnoException).code}).`)
  }
  const path = realpathSync(directory)
  const unlock = await lockDirectory(directory, holder)
  try {
    // Another process may have been faster between the first look and the lock.
    if (!existsSync(join(path, versionName))) requireUsable(directory, create)
    return {path, making: prepareMaking(path), unlock}
  } catch (error) {
    unlock()
    throw error
  }
}

/** The lock of a directory, whatever is in it. @throws OpsError IN_USE */
export function lockDirectory(directory: string, holder: Holder): Promise<() => void> {
  return lockFile(join(realpathSync(directory), lockName), `The database in ${directory}`, holder)
}

/**
 * The database that was made apart is complete: moves it into its directory. Killed in the middle, it goes on at the
 * next opening.
 */
export function moveIntoPlace(path: string): void {
  const making = join(path, makingName)
  writeFileSync(join(making, completeName), '')
  finishMove(path)
}

function finishMove(path: string): void {
  const making = join(path, makingName)
  chmodSync(path, statSync(making).mode & 0o777)
  // PG_VERSION last: where it is, everything is.
  const names = readdirSync(making).filter((name) => name !== completeName && name !== versionName)
  for (const name of [...names, versionName])
    if (existsSync(join(making, name))) renameSync(join(making, name), join(path, name))
  rmSync(making, {recursive: true})
}

/** Finishes or begins again what an interrupted creation left. Nothing but its own directory is ever deleted. */
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
        `To make one with sample data: ${command('demo')}`,
        `To make one with the empty tables: ${command('migrate up')}`,
      ],
    })
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    throw unusable(`${directory} is not a directory that can be read (${code}).`)
  }
}

function unusable(message: string): OpsError {
  return new OpsError('NOT_A_DATABASE', message, {exit: ExitCode.cannotConnect, suggestions: [nameAnother]})
}

export const nameAnother = 'Name another directory with --url; an empty one becomes a new database.'
