import { useQueryClient } from '@tanstack/react-query'
import { ArrowRightLeft, Pencil, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client.ts'
import type { Store } from '../api/shapes.ts'
import { useOwner } from '../session/use-session.ts'
import { Badge } from '../ui/badge.tsx'
import { IconButton, linkButton } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Link } from '../ui/location.tsx'
import { Empty } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { EditStore } from './edit.tsx'
import { storeLabel } from './label.ts'
import { RefusedNotice } from './refused-notice.tsx'
import { statusLook } from './status.ts'
import { StoreState } from './store-state.tsx'
import { TransferStore } from './transfer.tsx'
import { WebhookSteps } from './webhook-steps.tsx'

type Asking = { what: 'edit' | 'remove' | 'transfer'; store: Store } | null

export function Stores({ stores }: { stores: readonly Store[] }) {
  const [asking, setAsking] = useState<Asking>(null)
  const owner = useOwner()
  useTitle('Stores')
  const close = () => setAsking(null)

  return (
    <div className="mx-auto max-w-4xl">
      <RefusedNotice />
      <div className="mb-4 flex items-center justify-between gap-4">
        <h1 className="text-[22px] font-semibold tracking-[-0.02em]">Stores</h1>
        {owner && (
          <Link href="/stores/connect" className={linkButton('primary')}>
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
      {stores.some((store) => store.connected_by !== 'oauth') && (
        <Card title="Webhooks in Shopify" className="mt-4">
          <div className="px-5 pt-1 pb-5">
            <p className="mb-5 text-[13px] text-ink-3">
              For stores that are connected by an app’s secret. Where you approved in Shopify, they are
              subscribed and watched over for you.
            </p>
            <WebhookSteps />
          </div>
        </Card>
      )}
      {asking?.what === 'edit' && <EditStore store={asking.store} onClose={close} />}
      {asking?.what === 'remove' && <RemoveStore store={asking.store} onClose={close} />}
      {asking?.what === 'transfer' && <TransferStore store={asking.store} onClose={close} />}
    </div>
  )
}

interface StoreRowProps {
  store: Store
  owner: boolean
  onAsk: (asking: Asking) => void
}

function StoreRow({ store, owner, onAsk }: StoreRowProps) {
  const look = statusLook(store)
  return (
    <li data-testid="store" data-status={store.status} className="border-line px-5 py-4 not-first:border-t">
      <div className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <Link
              href={`/?store=${encodeURIComponent(store.id)}`}
              className="truncate rounded font-medium hover:text-accent"
            >
              {storeLabel(store)}
            </Link>
            <Badge tone={look.tone}>{look.word}</Badge>
          </p>
          <p className="text-[13px] break-all text-ink-3">{store.domain}</p>
          <p className="mt-1 text-[13px] text-ink-3">{facts(store).join(' · ')}</p>
        </div>
        {owner && <StoreActions store={store} onAsk={onAsk} />}
      </div>
      <StoreState store={store} owner={owner} />
    </li>
  )
}

function StoreActions({ store, onAsk }: Pick<StoreRowProps, 'store' | 'onAsk'>) {
  const label = storeLabel(store)
  return (
    <div className="-mt-1 -mr-2 flex shrink-0">
      <IconButton label={`Edit ${label}`} onClick={() => onAsk({ what: 'edit', store })}>
        <Pencil aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={`Transfer ${label} to another account`}
        onClick={() => onAsk({ what: 'transfer', store })}
      >
        <ArrowRightLeft aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={`Remove ${label}`} onClick={() => onAsk({ what: 'remove', store })}>
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
    </div>
  )
}

function facts(store: Store): string[] {
  const named = [
    store.currency ?? 'Currency not known yet',
    (store.timezone ?? 'time zone not known yet').replaceAll('_', ' '),
    `abandoned after ${minutes(store.abandonment_window_minutes)}`,
  ]
  if (store.connected_by === 'oauth') named.push('approved in Shopify')
  else named.push(store.has_api_secret ? 'own secret' : 'server’s secret')
  return named
}

function minutes(count: number): string {
  const text = Number.isInteger(count) ? String(count) : count.toFixed(1)
  return count === 1 ? '1 minute' : `${text} minutes`
}

function RemoveStore({ store, onClose }: { store: Store; onClose: () => void }) {
  const client = useQueryClient()
  return (
    <Confirm
      title={`Remove ${storeLabel(store)}?`}
      action="Remove store"
      keep="Keep it"
      run={() => api.removeStore(store.id)}
      onDone={() => client.invalidateQueries()}
      onClose={onClose}
    >
      Its figures leave the dashboard and its webhooks are no longer applied; its secrets are erased. What was
      recorded stays, and comes back if you connect{' '}
      <strong className="font-medium text-ink">{store.domain}</strong> again.
    </Confirm>
  )
}
