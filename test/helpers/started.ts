import {spawn} from 'node:child_process'
import {join} from 'node:path'
import {expect} from 'vitest'
import {root} from './build.js'
import {temporaryDirectory} from './files.js'

export interface Started {
  /** Resolves when stderr has the text. */
  says(text: string): Promise<void>
  ended: Promise<{exitCode: number | null; stdout: string; stderr: string}>
}

/** A command that runs while the test continues. */
export function start(args: readonly string[], cwd = temporaryDirectory()): Started {
  const env = {PATH: process.env.PATH ?? '', HOME: cwd, NO_COLOR: '1', COLUMNS: '200'}
  const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args], {cwd, env})
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  return {
    says: (text) => expect.poll(() => stderr, {timeout: 30_000}).toContain(text),
    ended: new Promise((resolve) => child.once('close', (exitCode) => resolve({exitCode, stdout, stderr}))),
  }
}
