import {parse} from 'libpg-query'
import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {toScript} from '../../../src/run/script.js'
import type {Step} from '../../../src/run/step.js'
import {attacks} from '../../helpers/nasty-names.js'
import {plainStep} from '../../helpers/run-steps.js'

const scriptOf = (...steps: Step[]) =>
  toScript({operation: 'test', summary: steps[0]!.id, cutoff: null, tables: [], locks: [], steps}, defaultLimits)
const kindsOf = async (script: string) =>
  ((await parse(script)).stmts ?? []).map(({stmt}) => Object.keys(stmt ?? {})[0])

describe('the script of a plan', () => {
  it.each(attacks)('executes no part of the name of a step: %j', async (id) => {
    expect(await kindsOf(scriptOf(plainStep({id, object: id})))).toEqual([
      'TransactionStmt',
      'VariableSetStmt',
      'VariableSetStmt',
      'SelectStmt',
      'TransactionStmt',
    ])
  })

  it('terminates every statement, also one that ends with a comment', async () => {
    const script = scriptOf(
      plainStep({statements: [statement('select 1 -- one'), statement("select '--'"), statement('select 2;')]}),
    )
    expect(await kindsOf(script)).toEqual([
      'TransactionStmt',
      'VariableSetStmt',
      'VariableSetStmt',
      'SelectStmt',
      'SelectStmt',
      'SelectStmt',
      'TransactionStmt',
    ])
  })
})
