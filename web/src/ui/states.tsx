/** What stands where data will be: while it comes, when there is none, when it failed. */

import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { sentenceOf } from '../api/problem.ts'
import { Button } from './button.tsx'
import { classes } from './classes.ts'

export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={classes('block animate-pulse rounded-md bg-sunken', className)} />
}

export function Empty({ icon, title, children }: { icon?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center justify-center gap-1 px-6 py-10 text-center">
      {icon && <span className="mb-2 text-ink-3">{icon}</span>}
      <p className="font-medium">{title}</p>
      {children && <p className="max-w-sm text-[13px] text-balance text-ink-3">{children}</p>}
    </div>
  )
}

export function Failed({ error, onRetry, what }: { error: unknown; onRetry: () => void; what: string }) {
  return (
    <div role="alert" className="flex flex-col items-center gap-3 px-6 py-10 text-center">
      <CircleAlert aria-hidden className="size-5 text-bad" />
      <div>
        <p className="font-medium">{what} could not be loaded</p>
        <p className="max-w-md text-[13px] text-balance text-ink-3">{sentenceOf(error)}</p>
      </div>
      <Button onClick={onRetry}>Try again</Button>
    </div>
  )
}

/** A line above a form or a page that says what went wrong. */
export function Alert({ children }: { children: ReactNode }) {
  return (
    <div role="alert" className="flex gap-2.5 rounded-lg bg-bad-soft px-3 py-2.5 text-[13px] text-bad">
      <CircleAlert aria-hidden className="mt-px size-4 shrink-0" />
      <div>{children}</div>
    </div>
  )
}
