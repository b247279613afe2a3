import {expect, it} from 'vitest'
import {compressionAdvice} from '../../../src/reports/compression.js'

const row = (ratio: number | null, afterBytes: number | null, liveBytes: number | null) => ({
  schema: 'desk b',
  table: 't',
  ratio,
  afterBytes,
  liveBytes,
})

it('a table that compression makes larger is named, with what to change', () => {
  expect(compressionAdvice([row(0.8, 100, 100)])).toEqual([
    expect.stringMatching(/^Compression makes "desk b"\.t larger \(ratio 0\.8\), .*segmentBy/),
  ])
})

it('compressed chunks that grew to more than twice their size get the advice to run VACUUM', () => {
  expect(compressionAdvice([row(4, 340_000, 10_800_000)])).toEqual([expect.stringContaining('VACUUM')])
})

it('there is no advice if compression saves space, if growth is small, and if sizes are unknown', () => {
  expect(compressionAdvice([row(1, 5_000_000, 9_000_000), row(4, 1000, 20_000), row(null, null, null)])).toEqual([])
})
