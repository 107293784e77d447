import type { Store } from '../api/shapes.ts'
import { Controls } from '../overview/controls.tsx'
import { useScope } from '../overview/scope.ts'
import { useTitle } from '../ui/title.ts'
import { ProductsPanel } from './products-panel.tsx'
import { StockPanel } from './stock-panel.tsx'

/** What sells, and what is about to be gone. */
export default function ProductsPage({ stores }: { stores: readonly Store[] }) {
  const scope = useScope(stores)
  useTitle('Products')
  return (
    <>
      <Controls title="Products" scope={scope} stores={stores} />
      <div className="grid grid-cols-1 items-start gap-4 min-[1400px]:grid-cols-[minmax(0,1fr)_28rem]">
        <ProductsPanel question={scope.question} />
        <StockPanel question={scope.question} />
      </div>
    </>
  )
}
