import {binary} from '../units/command.js'

/**
 * What `--version` prints: `qicore-db/0.1.0 linux-x64 node-v24.1.0`. The same text as oclif's, which would first load
 * itself and the manifest: three times the time.
 */
export async function versionLine(): Promise<string> {
  const {programVersion} = await import('../schema/migrate/program.js')
  return `${binary}/${programVersion} ${process.platform}-${process.arch} node-${process.version}\n`
}
