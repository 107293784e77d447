import type { FilteredQuestion } from '../api/client.ts'
import { usePlace } from '../ui/location.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { OrderHistoryView } from './history.tsx'
import { closeBeside } from './open.ts'
import { WhyFigure } from './why.tsx'
import { backToWhy } from './open.ts'

/** What the address says is open beside the page, if anything is. */
export function Beside({ question }: { question: FilteredQuestion }) {
  const { search } = usePlace()
  const why = search.get('why')
  const order = search.get('order')
  if (!why && !order) return null
  return (
    <Sheet
      title={order ? 'What made this order what it is' : 'Why this number'}
      back={order && why ? { label: 'Back to the figure', go: backToWhy } : undefined}
      onClose={closeBeside}
    >
      {order ? (
        <OrderHistoryView key={order} order={order} store={search.get('of') ?? question.store} />
      ) : (
        why && <WhyFigure key={why} measure={why} question={question} />
      )}
    </Sheet>
  )
}
