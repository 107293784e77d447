import { stockWords } from '../domain/stock.ts'
import { Badge } from '../ui/badge.tsx'

/** How long stock lasts if it goes on selling as in the range. */
export function Lasts({ onHand, days }: { onHand: number | null; days: number | null }) {
  const { text, tone } = stockWords(onHand, days)
  return tone ? <Badge tone={tone}>{text}</Badge> : <span className="text-ink-3">{text}</span>
}
