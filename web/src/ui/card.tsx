import { useId, type ReactNode } from 'react'
import { classes } from './classes.ts'

interface CardProps {
  title: ReactNode
  aside?: ReactNode
  className?: string
  children: ReactNode
}

export function Card({ title, aside, className, children }: CardProps) {
  const id = useId()
  return (
    <section
      aria-labelledby={id}
      className={classes('rounded-xl border border-line bg-surface shadow-card', className)}
    >
      <header className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-1 px-5 pt-3 pb-1">
        <h2 id={id} className="text-[15px] font-semibold tracking-[-0.006em]">
          {title}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  )
}
