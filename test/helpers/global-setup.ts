import {existsSync} from 'node:fs'
import type {TestProject} from 'vitest/node'
import {messageOf} from '../../src/errors.js'
import {buildIfStale} from './build.js'
import type {EngineInfo} from './engine-info.js'
import {embeddedTemplate} from './embedded-template.js'
import {startPostgres18} from './postgres18.js'
import {probe} from './server.js'

/** The native TimescaleDB that is tested if no server is named and Docker is available. */
const image = process.env.QICORE_TEST_IMAGE || 'timescale/timescaledb:2.22.1-pg17'

/** Runs once before all test files: starts the servers and prints the engines of this run on one line. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  buildIfStale()
  const template = await embeddedTemplate()
  const engines: EngineInfo[] = [{name: 'embedded', kind: 'timescaledb', native: false, url: null, template}]
  const closers: (() => Promise<unknown>)[] = []
  const skipped: string[] = []

  try {
    const postgres = await startPostgres18()
    closers.push(() => postgres.stop())
    engines.push({name: 'postgres18', kind: 'postgres', native: true, url: postgres.url, template: null})
  } catch (error) {
    skipped.push(`native PostgreSQL 18: ${messageOf(error)}`)
  }

  // Several, separated by spaces, are tested in one run.
  const named = process.env.QICORE_TEST_URL?.split(/\s+/).filter(Boolean) ?? []
  for (const url of named) engines.push(await probe(url))
  if (named.length === 0) {
    const container = await startContainer()
    if (typeof container === 'string') skipped.push(`native TimescaleDB: ${container}`)
    else {
      closers.push(container.stop)
      engines.push(await probe(container.url))
    }
  }

  process.stderr.write(`engines: ${engines.map(({name}) => name).join(', ')}\n`)
  for (const reason of skipped) process.stderr.write(`skipped: ${reason}\n`)
  project.provide('engines', engines)
  return async () => {
    await Promise.allSettled(closers.map((close) => close()))
  }
}

async function startContainer(): Promise<string | {url: string; stop: () => Promise<unknown>}> {
  const request = 'QICORE_TEST_URL is not set and'
  // Checked before testcontainers is imported, which takes a second.
  if (!process.env.DOCKER_HOST && !existsSync('/var/run/docker.sock')) return `${request} there is no Docker here`
  try {
    const {GenericContainer, Wait} = await import('testcontainers')
    const container = await new GenericContainer(image)
      .withEnvironment({POSTGRES_HOST_AUTH_METHOD: 'trust', TIMESCALEDB_TELEMETRY: 'off'})
      .withCommand([
        '-c',
        'max_locks_per_transaction=256',
        '-c',
        'shared_preload_libraries=timescaledb,pg_stat_statements',
      ])
      .withExposedPorts(5432)
      // The image starts the server twice: first to initialise, then to serve.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
      .withStartupTimeout(180_000)
      .start()
    return {
      url: `postgres://postgres@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
      stop: () => container.stop(),
    }
  } catch (error) {
    return `${request} Docker gave no ${image}: ${messageOf(error).split('\n')[0]}`
  }
}
