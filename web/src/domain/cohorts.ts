/** Cohorts as rows of a triangle: months of first orders down, months since across. */

import type { Cohort, CohortPeriod } from '../api/shapes.ts'
import { daysOf, type Range } from './ranges.ts'

export type CohortMeasure = 'retention' | 'spent_per_customer'

export interface CohortRow {
  readonly cohort: Cohort
  /** One for each month across; undefined where that month is still to come. */
  readonly periods: readonly (CohortPeriod | undefined)[]
}

export function cohortRows(cohorts: readonly Cohort[]): CohortRow[] {
  const width = cohorts.reduce(
    (most, { periods }) => Math.max(most, ...periods.map(({ period }) => period + 1)),
    0,
  )
  return cohorts.map((cohort) => ({
    cohort,
    periods: Array.from({ length: width }, (_, at) => cohort.periods.find(({ period }) => period === at)),
  }))
}

/** How dark each cell is, from 0 to 1. Month 0 keeps everybody, and would leave the others pale. */
export function cohortLevel(
  period: CohortPeriod | undefined,
  measure: CohortMeasure,
  cohorts: readonly Cohort[],
): number {
  if (!period || (measure === 'retention' && period.period === 0)) return 0
  const largest = cohorts
    .flatMap(({ periods }) => periods)
    .filter((each) => measure !== 'retention' || each.period > 0)
    .reduce((most, each) => Math.max(most, Number(each[measure] ?? 0)), 0)
  return largest > 0 ? Math.max(0, Number(period[measure] ?? 0)) / largest : 0
}

/** Fewer months than a quarter make no table of cohorts: the API's own twelve are asked for instead. */
const FEWEST_DAYS = 90

export function cohortRange(range: Range): Partial<Range> {
  return daysOf(range) >= FEWEST_DAYS ? { from: range.from, to: range.to } : {}
}
