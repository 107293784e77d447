import type { Point } from '../api/shapes.ts'

/** The points that have begun by `asOf`: the hours and days still to come are no zeros. */
export function elapsedPoints(points: readonly Point[], asOf: number): readonly Point[] {
  return points.filter((point) => Date.parse(point.start) <= asOf)
}
