import { CircleAlert, CircleCheck, Info, TriangleAlert, X, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from './button.tsx'
import { classes } from './classes.ts'

export type NoticeTone = 'good' | 'info' | 'warn' | 'bad'

const looks: Record<NoticeTone, { Icon: LucideIcon; box: string; icon: string }> = {
  good: { Icon: CircleCheck, box: 'bg-good-soft', icon: 'text-good' },
  info: { Icon: Info, box: 'bg-accent-soft', icon: 'text-accent' },
  warn: { Icon: TriangleAlert, box: 'bg-warn-soft', icon: 'text-warn' },
  bad: { Icon: CircleAlert, box: 'bg-bad-soft', icon: 'text-bad' },
}

interface NoticeProps {
  tone: NoticeTone
  title: ReactNode
  /** What it means, and what to do next. */
  children?: ReactNode
  actions?: ReactNode
  /** Takes the tone's own icon's place. */
  icon?: ReactNode | undefined
  onDismiss?: (() => void) | undefined
  className?: string | undefined
  testId?: string
}

/** A band over the page: something happened that is worth a sentence, and mostly something to do. */
export function Notice({ tone, title, children, actions, icon, onDismiss, className, testId }: NoticeProps) {
  const { Icon, box, icon: iconTone } = looks[tone]
  return (
    <div
      role={tone === 'bad' ? 'alert' : 'status'}
      data-testid={testId}
      className={classes('flex items-start gap-3 rounded-xl px-4 py-3', box, className)}
    >
      <span className={classes('mt-0.5 shrink-0', iconTone)}>
        {icon ?? <Icon aria-hidden className="size-4.5" />}
      </span>
      <div className="flex min-w-0 flex-1 flex-wrap items-center justify-between gap-x-6 gap-y-2.5">
        <div className="min-w-0 flex-1 basis-72">
          <p className="font-medium">{title}</p>
          {children && <div className="mt-0.5 max-w-prose text-[13px] text-ink-2">{children}</div>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </div>
      {onDismiss && (
        <IconButton label="Dismiss" className="-my-1.5 -mr-2" onClick={onDismiss}>
          <X aria-hidden className="size-4" />
        </IconButton>
      )}
    </div>
  )
}
