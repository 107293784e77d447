import type { Point } from '../api/shapes.ts'

/** One place on the time axis: the figure there, and the earlier period's at the same distance from its start. */
export interface ChartRow {
  readonly key: number
  readonly start: string | null
  readonly startBefore: string | null
  /** For drawing. Null leaves a gap: still to come, or without a denominator. */
  readonly value: number | null
  /** The stretch into the hour or day that is not over, drawn apart: it is no fall in sales. */
  readonly unfinished: number | null
  readonly before: number | null
  /** As the API said it, for reading. Undefined where there is no such point. */
  readonly exact: string | number | null | undefined
  readonly exactBefore: string | number | null | undefined
}

/**
 * @param asOf when the points were counted, in milliseconds: what begins later is still to come.
 * @param openEnded whether the range reaches into the present, so that its newest point still grows.
 */
export function chartRows(
  points: readonly Point[],
  before: readonly Point[],
  name: keyof Point,
  asOf: number,
  openEnded: boolean,
): ChartRow[] {
  const begun = points.filter((point) => Date.parse(point.start) <= asOf).length
  const growing = openEnded && begun > 1 ? begun - 1 : -1
  return Array.from({ length: Math.max(points.length, before.length) }, (_, key) => {
    const point = key < begun ? points[key] : undefined
    const earlier = before[key]
    const drawn = drawable(point?.[name])
    return {
      key,
      start: points[key]?.start ?? null,
      startBefore: earlier?.start ?? null,
      value: key === growing ? null : drawn,
      unfinished: growing !== -1 && key >= growing - 1 ? drawn : null,
      before: drawable(earlier?.[name]),
      exact: point?.[name],
      exactBefore: earlier?.[name],
    }
  })
}

function drawable(value: string | number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

/** At most `most` of `count` places (at least one), the first and every n-th after it. */
export function evenTicks(count: number, most: number): number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(1, most)))
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step)
}
