import {execFileSync, spawnSync} from 'node:child_process'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'

/** Null if openssl can be run, else the reason. */
export function noOpenssl(): string | null {
  const {status, error} = spawnSync('openssl', ['version'])
  return status === 0 ? null : `openssl cannot be run (${error?.message ?? `exit ${status}`})`
}

/** A certificate authority for one test. */
export interface Authority {
  certificate: string
  /** Writes `<name>.crt` and `<name>.key`. */
  issue(name: string, subject: string, alternative?: string): {certificate: string; key: string}
}

/** @param directory for its files */
export function certificateAuthority(directory: string, name: string): Authority {
  const file = (ending: string) => join(directory, `${name}.${ending}`)
  const openssl = (...args: string[]) => execFileSync('openssl', args, {stdio: ['ignore', 'ignore', 'pipe']})
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    file('key'),
    '-out',
    file('crt'),
  )
  return {
    certificate: file('crt'),
    issue(whose, subject, alternative) {
      const text = (ending: string) => join(directory, `${whose}.${ending}`)
      openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        subject,
        '-keyout',
        text('key'),
        '-out',
        text('csr'),
      )
      writeFileSync(text('ext'), alternative === undefined ? '' : `subjectAltName=${alternative}\n`)
      openssl(
        'x509',
        '-req',
        '-in',
        text('csr'),
        '-CA',
        file('crt'),
        '-CAkey',
        file('key'),
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        text('ext'),
        '-out',
        text('crt'),
      )
      return {certificate: text('crt'), key: text('key')}
    },
  }
}
