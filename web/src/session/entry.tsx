import { useEffect, type ReactNode } from 'react'
import { Mark } from '../ui/brand.tsx'
import { go } from '../ui/location.tsx'
import { leavesThePage } from './next.ts'

interface EntryProps {
  title: string
  subtitle?: ReactNode
  children: ReactNode
  below?: ReactNode
}

/** The frame of all pages before the door: one question in the middle. */
export function Entry({ title, subtitle, children, below }: EntryProps) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-4 py-10">
      <div className="w-full max-w-[25rem]">
        <div className="mb-8 flex flex-col items-center gap-4 text-center">
          <Mark className="size-11" />
          <div>
            <h1 className="text-[22px] font-semibold tracking-[-0.02em] text-balance">{title}</h1>
            {subtitle && <p className="mt-1 text-balance text-ink-3">{subtitle}</p>}
          </div>
        </div>
        {children}
        {below && <div className="mt-5 text-center text-ink-2">{below}</div>}
      </div>
    </main>
  )
}

export const entryCard = 'flex flex-col gap-4 rounded-2xl border border-line bg-surface p-6 shadow-card'

export const entryLink = 'rounded font-medium text-accent hover:underline'

/** Goes on to where somebody was headed, as soon as it is shown. */
export function Onward({ to }: { to: string }) {
  useEffect(() => {
    if (leavesThePage(to)) location.replace(to)
    else go(to, 'replace')
  }, [to])
  return null
}
