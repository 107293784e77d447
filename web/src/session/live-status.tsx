import { elapsed } from '../domain/elapsed.ts'
import { pageLocale } from '../domain/money.ts'
import { useNow } from '../ui/clock.ts'
import { classes } from '../ui/classes.ts'
import { useLive } from './live.tsx'

const looks = {
  live: { word: 'Live', dot: 'bg-good', text: 'text-good' },
  connecting: { word: 'Connecting', dot: 'bg-warn', text: 'text-warn' },
  reconnecting: { word: 'Reconnecting', dot: 'bg-warn', text: 'text-warn' },
} as const

/** Whether the page moves by itself right now, and how long ago it last did. */
export function LiveStatusBadge() {
  const { status, changedAt } = useLive()
  const look = looks[status]
  return (
    <div
      data-testid="live-status"
      data-status={status}
      className="mr-1 flex h-8 items-center gap-2.5 rounded-full border border-line bg-surface px-3 text-[13px] max-sm:size-8 max-sm:justify-center max-sm:px-0"
    >
      <span aria-hidden className="relative flex size-2">
        {status === 'live' && (
          <span className={classes('absolute inset-0 animate-breathe rounded-full opacity-60', look.dot)} />
        )}
        <span className={classes('relative size-2 rounded-full', look.dot)} />
      </span>
      <span role="status" className={classes('font-medium max-sm:sr-only', look.text)}>
        {look.word}
      </span>
      <Age status={status} changedAt={changedAt} />
    </div>
  )
}

function Age({ status, changedAt }: { status: keyof typeof looks; changedAt: number | null }) {
  const now = useNow(1000)
  if (status !== 'live' || changedAt === null) return null
  const age = elapsed(new Date(changedAt).toISOString(), now, pageLocale())
  return (
    <span className="hidden text-ink-3 figures md:inline">
      {age === 'now' ? 'changed now' : `changed ${age} ago`}
    </span>
  )
}
