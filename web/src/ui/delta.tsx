import { ArrowDown, ArrowUp, Minus } from 'lucide-react'
import type { Movement } from '../domain/comparison.ts'
import { classes } from './classes.ts'

const tones = { good: 'text-good', bad: 'text-bad', neutral: 'text-ink-3' } as const
const arrows = { up: ArrowUp, down: ArrowDown, flat: Minus } as const
const words = { up: 'Up', down: 'Down', flat: 'Unchanged' } as const

/** An arrow and a size; the colour says whether that is good, the words say it to a screen reader. */
export function Delta({
  movement,
  title,
  className,
}: {
  movement: Movement | null
  title?: string
  className?: string
}) {
  if (!movement) {
    return (
      <span
        title={title ?? 'Nothing to compare with'}
        className={classes('text-[13px] text-ink-3', className)}
      >
        –<span className="sr-only"> nothing to compare with</span>
      </span>
    )
  }
  const Arrow = arrows[movement.direction]
  return (
    <span
      title={title}
      className={classes(
        'inline-flex items-center gap-0.5 text-[13px] font-medium whitespace-nowrap figures',
        tones[movement.tone],
        className,
      )}
    >
      <Arrow aria-hidden className="size-3.5" strokeWidth={2.4} />
      <span className="sr-only">{words[movement.direction]} </span>
      {movement.text}
    </span>
  )
}
