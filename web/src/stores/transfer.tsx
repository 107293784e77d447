import { useMutation } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { sentenceOf } from '../api/problem.ts'
import type { Store } from '../api/shapes.ts'
import { dateTime } from '../domain/moments.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ShownOnce } from '../ui/once.tsx'
import { Alert } from '../ui/states.tsx'
import { storeLabel } from './label.ts'

/** Makes the code with which another account may connect this store. */
export function TransferStore({ store, onClose }: { store: Store; onClose: () => void }) {
  const make = useMutation({ mutationFn: () => api.transferStore(store.id) })
  if (make.data) {
    return (
      <ShownOnce
        title={`Transfer ${storeLabel(store)}`}
        values={[{ label: 'the transfer code', value: make.data.code }]}
        onClose={onClose}
      >
        <p>
          Give it to an owner of the other account, who enters it under Stores → Connect a store → “I have a
          transfer code”, and approves in Shopify. It works once, until {dateTime(make.data.expires_at)}.
        </p>
      </ShownOnce>
    )
  }
  return (
    <Dialog title={`Transfer ${storeLabel(store)} to another account`} onClose={onClose}>
      {make.isError && (
        <div className="mb-4">
          <Alert>{sentenceOf(make.error)}</Alert>
        </div>
      )}
      <p className="text-ink-2">
        You get a code. Whoever connects <strong className="font-medium text-ink">{store.domain}</strong> with
        it, and may approve the app in its Shopify admin, takes the store over: from that moment its
        deliveries go to their account and no longer to yours. What was recorded here stays here. Until the
        code is used, nothing changes.
      </p>
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" busy={make.isPending} onClick={() => make.mutate()}>
          Make a code
        </Button>
      </div>
    </Dialog>
  )
}
