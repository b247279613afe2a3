import {expect, it} from 'vitest'
import {requireConsent} from '../../../src/cli/confirm.js'
import type {ChangeClass} from '../../../src/run/step.js'

const yes = {yes: true}
const byName = {yes: false, confirm: 'prod'}

/** The result without a terminal: `done`, or the message and the first suggestion. */
async function answered(kind: ChangeClass, isProtected: boolean, answers: typeof yes | typeof byName): Promise<string> {
  try {
    await requireConsent(kind, {name: 'prod', protected: isProtected}, answers, false, () => {})
    return 'done'
  } catch (error) {
    const {message, suggestions} = error as {message: string; suggestions: string[]}
    return `${message} ${suggestions[0]}`
  }
}

it.each<[ChangeClass, boolean, typeof yes | typeof byName, RegExp]>([
  ['safe', false, {yes: false}, /^done$/],
  ['safe', true, {yes: false}, /^done$/],
  ['undo', false, yes, /^done$/],
  ['undo', false, byName, /^done$/],
  ['undo', false, {yes: false}, /^This is hard to undo and there is no terminal .* In a script: --yes\.$/],
  [
    'undo',
    true,
    yes,
    /^This is hard to undo, the target prod is protected, and there is no terminal .* --confirm prod \(--yes is not enough\)/,
  ],
  ['undo', true, byName, /^done$/],
  ['undo', true, {yes: true, confirm: 'test'}, /^--confirm says "test", but this is "prod"\..* --confirm prod/],
  ['loss', false, yes, /^This would delete data .* --confirm prod \(--yes is not enough\)/],
  ['loss', true, yes, /^This would delete data .* --confirm prod \(--yes is not enough\)/],
  ['loss', true, byName, /^done$/],
])('a change of class %s, protected %s, answered with %o', async (kind, isProtected, answers, expected) => {
  expect(await answered(kind, isProtected, answers)).toMatch(expected)
})
