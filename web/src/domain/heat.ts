/** The hours of the week, as rows of a table: days down, hours across. */

import type { HeatMapCell } from '../api/shapes.ts'

export type HeatMeasure = 'orders' | 'total_sales'

export interface HeatRow {
  /** 1 is Monday. */
  readonly weekday: number
  readonly hours: readonly { readonly cell: HeatMapCell; readonly level: number }[]
}

/** Rows of 24, each cell with its part of the largest: from 0 to 1, and 0 where more went back than was sold. */
export function heatRows(cells: readonly HeatMapCell[], measure: HeatMeasure): HeatRow[] {
  const largest = Math.max(0, ...cells.map((cell) => Number(cell[measure])))
  const level = (cell: HeatMapCell) => (largest > 0 ? Math.max(0, Number(cell[measure]) / largest) : 0)
  return Array.from({ length: 7 }, (_, index) => ({
    weekday: index + 1,
    hours: cells
      .filter((cell) => cell.weekday === index + 1)
      .toSorted((a, b) => a.hour - b.hour)
      .map((cell) => ({ cell, level: level(cell) })),
  }))
}

/** The hour of the week with the most; null where there is nothing. */
export function busiest(cells: readonly HeatMapCell[], measure: HeatMeasure): HeatMapCell | null {
  const best = cells.reduce<HeatMapCell | null>(
    (most, cell) => (most === null || Number(cell[measure]) > Number(most[measure]) ? cell : most),
    null,
  )
  return best && Number(best[measure]) > 0 ? best : null
}
