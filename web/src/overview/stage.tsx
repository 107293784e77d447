import type { Stage } from '../api/shapes.ts'
import { classes } from '../ui/classes.ts'

export const stageLooks: Record<Stage, { word: string; badge: string; bar: string }> = {
  open: { word: 'Open', badge: 'bg-accent-soft text-accent', bar: 'bg-accent' },
  abandoned: { word: 'Abandoned', badge: 'bg-warn-soft text-warn', bar: 'bg-(--bar-warn)' },
  recovered: { word: 'Recovered', badge: 'bg-good-soft text-good', bar: 'bg-(--bar-good)' },
  converted: { word: 'Converted', badge: 'bg-sunken text-ink-2', bar: 'bg-(--bar-quiet)' },
}

export function StageBadge({ stage }: { stage: Stage }) {
  const look = stageLooks[stage]
  return (
    <span className={classes('inline-flex rounded-md px-2 py-0.5 text-[13px] font-medium', look.badge)}>
      {look.word}
    </span>
  )
}
