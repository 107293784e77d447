/** A list of things with a state and something to do about each; the same on a phone, one below the other. */

import type { ReactNode } from 'react'

export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul aria-label={label} className="border-t border-line">
      {children}
    </ul>
  )
}

interface RowProps {
  title: ReactNode
  badges?: ReactNode
  /** The small print: parts that are left out where they are empty. */
  facts?: readonly (ReactNode | null | undefined | false)[]
  actions?: ReactNode
  children?: ReactNode
  testId?: string
}

export function Row({ title, badges, facts, actions, children, testId }: RowProps) {
  const told = (facts ?? []).filter(
    (fact) => fact !== null && fact !== undefined && fact !== false && fact !== '',
  )
  return (
    <li data-testid={testId} className="border-line px-5 py-3.5 not-first:border-t">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-56">
          <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="min-w-0 truncate font-medium">{title}</span>
            {badges}
          </div>
          {told.length > 0 && (
            <p className="mt-0.5 text-[13px] text-ink-3 figures">
              {told.map((fact, index) => (
                // oxlint-disable-next-line react/no-array-index-key -- facts have an order and nothing else
                <span key={index}>
                  {index > 0 && <span aria-hidden> · </span>}
                  {fact}
                </span>
              ))}
            </p>
          )}
        </div>
        {actions && <div className="flex shrink-0 items-center gap-1.5">{actions}</div>}
      </div>
      {children}
    </li>
  )
}

export function RowsLoading({ count = 3 }: { count?: number }) {
  return (
    <div role="status" className="border-t border-line">
      <span className="sr-only">Loading</span>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} aria-hidden className="border-line px-5 py-4 not-first:border-t">
          <span className="mb-2 block h-3.5 w-44 animate-pulse rounded-md bg-sunken" />
          <span className="block h-3 w-64 max-w-full animate-pulse rounded-md bg-sunken" />
        </div>
      ))}
    </div>
  )
}
