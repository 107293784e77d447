import type { StateWords } from '../domain/orders.ts'
import { Badge } from '../ui/badge.tsx'

export function StateBadge({ state }: { state: StateWords | null }) {
  if (!state) return <span className="text-ink-3">–</span>
  return <Badge tone={state.tone}>{state.text}</Badge>
}
