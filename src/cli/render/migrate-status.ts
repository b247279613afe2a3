import type {MigrationStatus} from '../../schema/migrate/recorded.js'
import {command} from '../../units/command.js'

/** The migrations of a database for people: what needs one marked `!`, the verdict and the next command last. */
export function renderMigrations(migrations: readonly MigrationStatus[], wrong: readonly MigrationStatus[], columns: number): string {
  const head = ['VERSION', 'STATE', 'APPLIED (UTC)', 'DESCRIPTION']
  const rows = migrations.map(({version, state, appliedAt, description}) => [version, state, appliedAt?.slice(0, 16).replace('T', ' ') ?? '-', description ?? ''])
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (mark: string, row: readonly string[]) => cut(`${mark}${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd(), columns)
  return [
    line(' ', head),
    ...rows.map((row, index) => line(wrong.includes(migrations[index]!) ? '!' : ' ', row)),
    verdict(migrations, wrong),
  ].join('\n')
}

function verdict(migrations: readonly MigrationStatus[], wrong: readonly MigrationStatus[]): string {
  const applied = migrations.filter(({appliedAt}) => appliedAt !== null).length
  const pending = migrations.filter(({state}) => state === 'pending').length
  const words = wrong
    .filter(({state}) => state !== 'pending')
    .map(({version, state, file}) => `${version} ${state === 'wrong engine' ? 'is of another engine' : state === 'edited' ? `was edited after it was applied (${file})` : 'has no file here'}`)
  const sums = `${applied} applied, ${pending} pending.`
  return [...words.map((word) => `! ${word}`), pending > 0 ? `${sums} Next: ${command('migrate up')}` : sums].join('\n')
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1).trimEnd()}…`
}
