/** A table of rows of one kind: on a phone it leaves out the columns that matter least. */

import { ArrowDown, ArrowUp } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { classes } from './classes.ts'
import { Skeleton } from './states.tsx'

export interface Column<Row, Sort extends string = string> {
  readonly id: string
  readonly head: string
  /** A class for its width; the first column takes what is left. */
  readonly width?: string
  /** Below which width of the window it is left out. */
  readonly hide?: 'sm' | 'md' | 'lg'
  readonly align?: 'left'
  readonly sort?: Sort
  /** Sorted by it, the least comes first. */
  readonly ascending?: boolean
  readonly quiet?: boolean
  readonly cell: (row: Row) => ReactNode
}

interface TableProps<Row, Sort extends string> {
  caption: string
  columns: readonly Column<Row, Sort>[]
  rows: readonly Row[] | undefined
  keyOf: (row: Row) => string
  /** How many rows of nothing stand there while the first come. */
  loading?: number
  sort?: Sort
  onSort?: (sort: Sort) => void
}

const hidden = { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden' } as const

function sortedHow<Row, Sort extends string>(column: Column<Row, Sort>, sort: Sort | undefined) {
  if (!column.sort || column.sort !== sort) return undefined
  return column.ascending ? 'ascending' : 'descending'
}

/** The right edge, wherever the last column that is shown ends. */
function edges<Row, Sort extends string>(columns: readonly Column<Row, Sort>[], index: number): string {
  const last = (left: (column: Column<Row, Sort>) => boolean) => columns.findLastIndex(left)
  return classes(
    index === 0 && 'pl-5',
    'pr-2',
    index === columns.length - 1 && 'pr-5!',
    index === last((column) => column.hide !== 'lg') && 'max-lg:pr-5!',
    index === last((column) => column.hide === undefined || column.hide === 'sm') && 'max-md:pr-5!',
    index === last((column) => column.hide === undefined) && 'max-sm:pr-5!',
  )
}

export function Table<Row, Sort extends string = string>({
  caption,
  columns,
  rows,
  keyOf,
  loading = 6,
  sort,
  onSort,
}: TableProps<Row, Sort>) {
  const look = (column: Column<Row, Sort>, index: number) =>
    classes(
      edges(columns, index),
      column.hide && hidden[column.hide],
      index === 0 || column.align === 'left' ? 'text-left' : 'text-right',
    )
  return (
    <table className="w-full table-fixed figures" aria-busy={!rows}>
      <caption className="sr-only">{caption}</caption>
      <thead className="text-[13px] text-ink-3">
        <tr>
          {columns.map((column, index) => (
            <th
              key={column.id}
              scope="col"
              aria-sort={sortedHow(column, sort)}
              className={classes('py-2 align-bottom font-medium', look(column, index), column.width)}
            >
              {column.sort && onSort ? (
                <SortButton column={column} sort={sort} onSort={onSort} />
              ) : (
                column.head
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows
          ? rows.map((row) => (
              <tr key={keyOf(row)} className="border-t border-line hover:bg-sunken/60">
                {columns.map((column, index) => {
                  const Cell = index === 0 ? 'th' : 'td'
                  return (
                    <Cell
                      key={column.id}
                      {...(index === 0 ? { scope: 'row' } : {})}
                      className={classes(
                        'truncate py-2 font-normal',
                        look(column, index),
                        column.quiet && 'text-ink-3',
                      )}
                    >
                      {column.cell(row)}
                    </Cell>
                  )
                })}
              </tr>
            ))
          : Array.from({ length: loading }, (_, index) => (
              <tr key={index} className="border-t border-line">
                <td colSpan={columns.length || 1} className="px-5 py-2">
                  <Skeleton className="h-5" />
                </td>
              </tr>
            ))}
      </tbody>
    </table>
  )
}

function SortButton<Row, Sort extends string>({
  column,
  sort,
  onSort,
}: {
  column: Column<Row, Sort>
  sort: Sort | undefined
  onSort: (sort: Sort) => void
}) {
  const chosen = column.sort === sort
  const Arrow = column.ascending ? ArrowUp : ArrowDown
  return (
    <button
      type="button"
      onClick={() => column.sort && onSort(column.sort)}
      className={classes(
        'inline-flex max-w-full items-center gap-0.5 rounded font-medium hover:text-ink',
        chosen && 'text-ink',
      )}
    >
      {chosen && <Arrow aria-hidden className="size-3 shrink-0" />}
      <span className="truncate">{column.head}</span>
    </button>
  )
}

/** The way to the rows that are not there yet. */
export function More({
  list,
}: {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }
}) {
  if (!list.hasNextPage) return null
  return (
    <div className="border-t border-line p-2 text-center">
      <Button look="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        Show more
      </Button>
    </div>
  )
}
