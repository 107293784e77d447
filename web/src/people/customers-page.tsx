import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import type { Store } from '../api/shapes.ts'
import type { MeasureName } from '../domain/measures.ts'
import { Controls } from '../overview/controls.tsx'
import { FigureStrip } from '../overview/figures.tsx'
import { useScope } from '../overview/scope.ts'
import { useChosenByServer } from '../overview/server-choice.ts'
import { Failed } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Beside } from '../why/beside.tsx'
import { CohortsPanel } from './cohorts-panel.tsx'
import { CustomersList } from './customers-list.tsx'
import { SegmentsPanel } from './segments-panel.tsx'

const figures: readonly MeasureName[] = [
  'customers',
  'new_customers',
  'returning_customers',
  'returning_customer_rate',
]

/** Who buys, who comes back, and what they are worth. */
export default function CustomersPage({ stores }: { stores: readonly Store[] }) {
  const scope = useScope(stores)
  const { question, compare } = scope
  useTitle('Customers')
  const stats = useQuery({
    queryKey: ['stats', question, compare],
    queryFn: ({ signal }) => api.stats(question, compare, signal),
    placeholderData: keepPreviousData,
  })
  useChosenByServer(stats.error)
  return (
    <>
      <Controls
        title="Customers"
        scope={scope}
        stores={stores}
        comparison={stats.data?.comparison ?? null}
        compared
      />
      <Beside question={question} />
      <div className="flex flex-col gap-4">
        {stats.isError && !stats.data ? (
          <div className="rounded-xl border border-line bg-surface">
            <Failed what="The figures" error={stats.error} onRetry={() => void stats.refetch()} />
          </div>
        ) : (
          <section aria-label="Figures" aria-busy={stats.isPlaceholderData || !stats.data}>
            <FigureStrip names={figures} stats={stats.data} className="lg:grid-cols-4" />
          </section>
        )}
        <SegmentsPanel question={question} />
        <CohortsPanel question={question} />
        <CustomersList question={question} />
      </div>
    </>
  )
}
