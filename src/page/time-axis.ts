import {scaleUtc} from 'd3-scale'

const day = 86_400_000

/** A time axis in UTC. */
export interface TimeAxis {
  /** @param at milliseconds since 1970 */
  position(at: number): number
  ticks: {position: number; label: string; anchor: 'start' | 'middle' | 'end'}[]
}

/** The longest range that a label suits, in days, and the label. */
const labels: readonly (readonly [number, string])[] = [
  [3, '%m-%d %H:%M'],
  [150, '%m-%d'],
  [1_500, '%Y-%m'],
  [Infinity, '%Y'],
]

/** @param width what `position` of the end of the range is; the start is at 0 */
export function timeAxis(from: number, to: number, width: number): TimeAxis {
  const scale = scaleUtc([from, to], [0, width])
  const [, label] = labels.find(([days]) => to - from <= days * day)!
  // Four labels fit a telephone.
  const format = scale.tickFormat(4, label)
  return {
    position: scale,
    ticks: scale
      .ticks(4)
      .map((tick) => ({position: scale(tick), label: format(tick), anchor: anchor(scale(tick) / width)})),
  }
}

/** Keeps the labels at the ends within the axis. */
function anchor(share: number): 'start' | 'middle' | 'end' {
  if (share < 0.06) return 'start'
  return share > 0.94 ? 'end' : 'middle'
}
