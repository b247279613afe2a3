import {readFileSync} from 'node:fs'

/**
 * What `--version` prints: `qicore-db/0.1.0 linux-x64 node-v24.1.0`. The same text as oclif's, which would first load
 * itself and the manifest: three times the time.
 */
export function versionLine(): string {
  const {name, version} = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    name: string
    version: string
  }
  return `${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`
}
