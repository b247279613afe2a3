import {describe, expect, it} from 'vitest'
import {diskText} from '../../../src/reports/disk-text.js'
import {growthTable} from '../../../src/reports/growth-table.js'
import type {DiskForecast, GrowthReport, TableGrowth} from '../../../src/reports/growth-report.js'
import {cellText} from '../../../src/units/cell-text.js'

const disk = (over: Partial<DiskForecast>): DiskForecast => ({
  bytes: 2 * 1024 ** 4,
  tablespace: null,
  state: 'growing',
  fullOn: '2027-03-04',
  earliest: '2027-02-01',
  latest: '2027-04-20',
  why: null,
  ...over,
})

describe('the sentence about a disk', () => {
  it.each([
    [{}, 'Disk of 2.00 TB: full on 2027-03-04, between 2027-02-01 and 2027-04-20.'],
    [
      {tablespace: 'fast', latest: null},
      'Disk of 2.00 TB for tablespace fast: full on 2027-03-04, not before 2027-02-01. The growth is uncertain: it may never be full.',
    ],
    [{state: 'full' as const}, 'Disk of 2.00 TB: full now.'],
    [
      {state: 'never' as const, why: 'the database does not grow'},
      'Disk of 2.00 TB: never full, because the database does not grow.',
    ],
    [{state: 'unknown' as const, why: 'x'}, 'Disk of 2.00 TB: full on -, because x.'],
  ])('%j says when it is full, or why that is never or not known', (over, text) => {
    expect(diskText(disk(over))).toBe(text)
  })
})

describe('the table of growth', () => {
  const row: TableGrowth = {
    schema: 'public',
    table: 'ticks',
    kind: 'hypertable',
    totalBytes: null,
    sizeBasis: 'mixed',
    basis: null,
    days: 0,
    firstDay: null,
    lastDay: null,
    bytesPerDay: null,
    bytesPerWeek: null,
    bytesPerMonth: null,
    forecast: null,
    points: [],
  }
  const cells = (over: Partial<TableGrowth>) =>
    Object.fromEntries(
      growthTable.columns.map((column) => [column.id, cellText(column, {...row, ...over}, {at: ''} as GrowthReport)]),
    )

  it('has - for what is not known', () => {
    expect(cells({})).toMatchObject({total_bytes: '-', bytes_per_day: '-', bytes_in_90_days: '-', trend: ''})
  })

  it('has the sign of net growth, and a mark where it is what the chunks show as written', () => {
    expect(cells({basis: 'snapshots', bytesPerDay: -2048})).toMatchObject({bytes_per_day: '-2.00 kB'})
    expect(cells({basis: 'chunks', bytesPerDay: 2048})).toMatchObject({bytes_per_day: '+2.00 kB*'})
  })

  it('has a bar for each day up to the newest size, and a space for a missing or unknown one', () => {
    const sizes = [10, 20, null, 40, 50]
    const days = ['2026-01-31', '2026-02-01', '2026-02-02', '2026-02-04', '2026-02-05']
    const points = days.map((day, index) => ({day, totalBytes: sizes[index]!}))
    expect(cells({points, lastDay: '2026-02-05'})).toMatchObject({trend: '▁▃  ▇█'})
  })
})
