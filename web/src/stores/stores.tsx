import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Pencil, Plus, Trash2 } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { Store } from '../api/shapes.ts'
import { useSession } from '../session/use-session.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Link } from '../ui/location.tsx'
import { Alert, Empty } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { storeLabel } from './label.ts'
import { WebhookSteps } from './webhook-steps.tsx'

type Asking = { what: 'edit' | 'remove'; store: Store } | null

export function Stores({ stores }: { stores: readonly Store[] }) {
  const [asking, setAsking] = useState<Asking>(null)
  const state = useSession()
  const owner = state.status === 'signed-in' && state.session.user.role === 'owner'
  useTitle('Stores')
  const close = () => setAsking(null)

  return (
    <div className="mx-auto max-w-4xl">
      <div className="mb-4 flex items-center justify-between gap-4">
        <h1 className="text-[22px] font-semibold tracking-[-0.02em]">Stores</h1>
        {owner && (
          <Link
            href="/stores/connect"
            className="inline-flex h-9 items-center gap-2 rounded-lg bg-accent px-3 font-medium text-on-accent hover:bg-accent-strong"
          >
            <Plus aria-hidden className="size-4" />
            Connect a store
          </Link>
        )}
      </div>
      <section aria-label="Connected stores" className="rounded-xl border border-line bg-surface shadow-card">
        {stores.length === 0 ? (
          <Empty title="No stores yet">Connect one and its figures begin to move.</Empty>
        ) : (
          <ul>
            {stores.map((store) => (
              <StoreRow key={store.id} store={store} owner={owner} onAsk={setAsking} />
            ))}
          </ul>
        )}
      </section>
      <Card title="Webhooks in Shopify" className="mt-4">
        <div className="px-5 pt-2 pb-5">
          <WebhookSteps />
        </div>
      </Card>
      {asking?.what === 'edit' && <EditStore store={asking.store} onClose={close} />}
      {asking?.what === 'remove' && <RemoveStore store={asking.store} onClose={close} />}
    </div>
  )
}

interface StoreRowProps {
  store: Store
  owner: boolean
  onAsk: (asking: Asking) => void
}

function StoreRow({ store, owner, onAsk }: StoreRowProps) {
  const facts = [
    store.currency ?? 'Currency not known yet',
    (store.timezone ?? 'time zone not known yet').replaceAll('_', ' '),
    `abandoned after ${minutes(store.abandonment_window_minutes)}`,
    store.has_api_secret ? 'own secret' : 'server’s secret',
  ]
  return (
    <li data-testid="store" className="flex items-center gap-3 border-line px-5 py-3.5 not-first:border-t">
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">
          <Link href={`/?store=${encodeURIComponent(store.id)}`} className="rounded hover:text-accent">
            {storeLabel(store)}
          </Link>
          <span className="ml-2 text-[13px] font-normal text-ink-3">{store.domain}</span>
        </p>
        <p className="text-[13px] text-ink-3">{facts.join(' · ')}</p>
      </div>
      {owner && (
        <div className="flex">
          <IconButton label={`Edit ${storeLabel(store)}`} onClick={() => onAsk({ what: 'edit', store })}>
            <Pencil aria-hidden className="size-4" />
          </IconButton>
          <IconButton label={`Remove ${storeLabel(store)}`} onClick={() => onAsk({ what: 'remove', store })}>
            <Trash2 aria-hidden className="size-4" />
          </IconButton>
        </div>
      )}
    </li>
  )
}

function minutes(count: number): string {
  const text = Number.isInteger(count) ? String(count) : count.toFixed(1)
  return count === 1 ? '1 minute' : `${text} minutes`
}

function EditStore({ store, onClose }: { store: Store; onClose: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState(store.name)
  const [window, setWindow] = useState(String(store.abandonment_window_minutes))
  const [windowFault, setWindowFault] = useState<string | null>(null)
  const save = useMutation({
    mutationFn: (change: { name: string; abandonment_window_minutes: number }) =>
      api.changeStore(store.id, change),
    onSuccess: async () => {
      onClose()
      await client.invalidateQueries()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const count = Number(window)
    if (!Number.isInteger(count) || count < 1 || count > 43_200) {
      setWindowFault('A whole number of minutes, from 1 to 43,200 (30 days).')
      return
    }
    save.mutate({ name: name.trim(), abandonment_window_minutes: count })
  }
  const nameFault = faultOf(save.error, 'name')
  const refusedWindow = faultOf(save.error, 'abandonment_window_minutes')
  return (
    <Dialog title={`Edit ${storeLabel(store)}`} onClose={onClose}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {save.isError && !nameFault && !refusedWindow && <Alert>{sentenceOf(save.error)}</Alert>}
        <Field
          label="Name"
          value={name}
          error={nameFault}
          placeholder={store.domain}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Minutes until a checkout counts as abandoned"
          type="number"
          min={1}
          max={43_200}
          step={1}
          value={window}
          error={windowFault ?? refusedWindow}
          hint="Shopify’s own is 10."
          onChange={(event) => {
            setWindow(event.target.value)
            setWindowFault(null)
          }}
        />
        <div className="mt-1 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function RemoveStore({ store, onClose }: { store: Store; onClose: () => void }) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.removeStore(store.id),
    onSuccess: async () => {
      onClose()
      await client.invalidateQueries()
    },
  })
  return (
    <Dialog title={`Remove ${storeLabel(store)}?`} onClose={onClose}>
      {remove.isError && <Alert>{sentenceOf(remove.error)}</Alert>}
      <p className="text-ink-2">
        Its figures leave the dashboard and its webhooks are no longer applied; its secrets are erased. What
        was recorded stays, and comes back if you connect{' '}
        <strong className="font-medium text-ink">{store.domain}</strong> again.
      </p>
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
          Remove store
        </Button>
      </div>
    </Dialog>
  )
}
