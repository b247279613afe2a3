import {expect, it} from 'vitest'
import {compressionAdvice} from '../../../src/reports/compression.js'

const row = (
  ratio: number | null,
  afterBytes: number | null,
  liveBytes: number | null,
  segmentBy: string[] | null = ['dev'],
) => ({
  schema: 'desk b',
  table: 't',
  ratio,
  afterBytes,
  liveBytes,
  segmentBy,
})

it('a table that compression makes larger is named, with what to change', () => {
  expect(compressionAdvice([row(0.8, 100, 100)])).toEqual([
    expect.stringMatching(/^Compression makes "desk b"\.t larger \(ratio 0\.8\), .*segmentBy/),
  ])
})

it('a table without segmentBy columns gets no advice to choose others', () => {
  for (const none of [[], null])
    expect(compressionAdvice([row(0.8, 100, 100, none)])).toEqual([
      'Compression makes "desk b".t larger (ratio 0.8), because its chunks have too few rows. Choose a longer chunk interval.',
    ])
})

it('compressed chunks that grew to more than twice their size get the advice to run VACUUM', () => {
  expect(compressionAdvice([row(4, 340_000, 10_800_000)])).toEqual([expect.stringContaining('VACUUM')])
})

it('there is no advice if compression saves space, if growth is small, and if sizes are unknown', () => {
  expect(compressionAdvice([row(1, 5_000_000, 9_000_000), row(4, 1000, 20_000), row(null, null, null)])).toEqual([])
})
