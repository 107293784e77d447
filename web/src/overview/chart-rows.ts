import type { Point } from '../api/shapes.ts'

/** One place on the time axis: the figure there, and the earlier period's at the same distance from its start. */
export interface ChartRow {
  readonly key: number
  readonly start: string | null
  readonly startBefore: string | null
  /** For drawing. Null leaves a gap: still to come, or without a denominator. */
  readonly value: number | null
  readonly before: number | null
  /** As the API said it, for reading. Undefined where there is no such point. */
  readonly exact: string | number | null | undefined
  readonly exactBefore: string | number | null | undefined
}

export function chartRows(
  points: readonly Point[],
  before: readonly Point[],
  name: keyof Point,
  asOf: number,
): ChartRow[] {
  return Array.from({ length: Math.max(points.length, before.length) }, (_, key) => {
    const point = points[key]
    const earlier = before[key]
    const begun = point !== undefined && Date.parse(point.start) <= asOf
    return {
      key,
      start: point?.start ?? null,
      startBefore: earlier?.start ?? null,
      value: begun ? drawable(point[name]) : null,
      before: drawable(earlier?.[name]),
      exact: begun ? point[name] : undefined,
      exactBefore: earlier?.[name],
    }
  })
}

function drawable(value: string | number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
