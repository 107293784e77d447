import type { Store } from '../api/shapes.ts'
import { isFiltered } from '../domain/filters.ts'
import { Controls } from '../overview/controls.tsx'
import { useScope } from '../overview/scope.ts'
import { FilterChips } from '../sales/chips.tsx'
import { useTitle } from '../ui/title.ts'
import { OrdersPanel } from './orders-panel.tsx'
import { SentPanel } from './sent-panel.tsx'

/** Orders one by one, and how long they took to be sent. */
export default function OrdersPage({ stores }: { stores: readonly Store[] }) {
  const scope = useScope(stores)
  useTitle('Orders')
  return (
    <>
      <Controls title="Orders" scope={scope} stores={stores} />
      <FilterChips question={scope.filtered} />
      <div className="grid grid-cols-1 items-start gap-4 xl:grid-cols-[minmax(0,1fr)_20rem]">
        <OrdersPanel question={scope.filtered} />
        <SentPanel question={scope.question} unfiltered={isFiltered(scope.filtered)} />
      </div>
    </>
  )
}
