import { useQueryClient } from '@tanstack/react-query'
import { ArrowLeft, Check, LoaderCircle } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Store } from '../api/shapes.ts'
import { useLive } from '../session/live.tsx'
import { useOwner } from '../session/use-session.ts'
import { Button, linkButton } from '../ui/button.tsx'
import { go, Link } from '../ui/location.tsx'
import { Notice } from '../ui/notice.tsx'
import { OwnersOnly } from '../ui/owners-only.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { useTitle } from '../ui/title.ts'
import { CustomForm } from './custom-form.tsx'
import { storeLabel } from './label.ts'
import { RefusedNotice } from './refused-notice.tsx'
import { ShopifyForm } from './shopify-form.tsx'
import { approvalAddress } from './status.ts'
import { WebhookSteps } from './webhook-steps.tsx'

export function Connect({ stores }: { stores: readonly Store[] }) {
  const [connected, setConnected] = useState<{ store: Store; approvable: boolean } | null>(null)
  useTitle('Connect a store')
  const connectedTo = (store: Store, approvable: boolean) => {
    setConnected({ store, approvable })
    // At `/` the overview would take this page's place as soon as the list of stores is asked again.
    go('/stores/connect', 'replace')
  }
  return (
    <div className="mx-auto max-w-2xl py-4 sm:py-8">
      {stores.length > 0 && !connected && (
        <Link
          href="/stores"
          className="mb-4 inline-flex items-center gap-1.5 rounded text-ink-2 hover:text-ink"
        >
          <ArrowLeft aria-hidden className="size-4" />
          Stores
        </Link>
      )}
      {connected ? (
        <Waiting store={connected.store} approvable={connected.approvable} />
      ) : (
        <Choose first={stores.length === 0} onConnected={connectedTo} />
      )}
    </div>
  )
}

type Way = 'shopify' | 'custom'
const ways: readonly { value: Way; label: string }[] = [
  { value: 'shopify', label: 'With Shopify' },
  { value: 'custom', label: 'With an app of its own' },
]
const about: Record<Way, string> = {
  shopify:
    'You approve in the Shopify admin what Tillstream may read. Webhooks are subscribed for you; there is nothing to copy.',
  custom:
    'With a custom app of your own: Shopify sends its webhooks here, and the secret proves that they are Shopify’s.',
}

interface ChooseProps {
  first: boolean
  onConnected: (store: Store, approvable: boolean) => void
}

function Choose({ first, onConnected }: ChooseProps) {
  const [way, setWay] = useState<Way>('shopify')
  const owner = useOwner()
  return (
    <>
      <RefusedNotice />
      <h1 className="text-[22px] font-semibold tracking-[-0.02em]">
        {first ? 'Connect your first store' : 'Connect a store'}
      </h1>
      {owner ? (
        <>
          <div className="mt-4 mb-3">
            <Segmented label="How to connect" value={way} options={ways} onChange={setWay} />
          </div>
          <p className="mb-5 text-ink-2">{about[way]}</p>
          {way === 'shopify' ? <ShopifyForm /> : <CustomForm onConnected={onConnected} />}
        </>
      ) : (
        <OwnersOnly what="Connecting stores" />
      )}
    </>
  )
}

function Waiting({ store, approvable }: { store: Store; approvable: boolean }) {
  const client = useQueryClient()
  const { activeStores } = useLive()
  const arrived = activeStores.includes(store.id)

  useEffect(
    // The list still says "no stores", and this page is shown in its place: it is asked anew on the way out.
    () => () => void client.invalidateQueries({ queryKey: ['stores'] }),
    [client],
  )
  const open = () => client.invalidateQueries({ queryKey: ['stores'] })

  return (
    <>
      <h1 className="text-[22px] font-semibold tracking-[-0.02em]">{storeLabel(store)} is connected</h1>
      {approvable && (
        <Notice
          tone="info"
          className="mt-4"
          title="Approve the app in Shopify"
          actions={
            <Button look="primary" onClick={() => location.assign(approvalAddress(store.domain))}>
              Connect with Shopify
            </Button>
          }
        >
          Then the webhooks are subscribed for you, and nothing below has to be done by hand.
        </Notice>
      )}
      <p className="mt-4 text-ink-2">
        {approvable ? 'Or tell Shopify yourself' : 'Now tell Shopify'} where to send its webhooks.
      </p>
      <div className="mt-6 rounded-2xl border border-line bg-surface p-6 shadow-card">
        <WebhookSteps />
      </div>
      <div
        role="status"
        data-testid="first-delivery"
        data-arrived={arrived}
        className="mt-4 flex items-center justify-between gap-4 max-sm:flex-col max-sm:items-start rounded-2xl border border-line bg-surface px-6 py-4 shadow-card"
      >
        <p className="flex items-center gap-3">
          {arrived ? (
            <Check aria-hidden className="size-5 text-good" />
          ) : (
            <LoaderCircle aria-hidden className="size-5 animate-spin text-ink-3" />
          )}
          <span>
            <span className="block font-medium">
              {arrived ? 'The first delivery is here' : 'Waiting for the first delivery'}
            </span>
            <span className="block text-[13px] text-ink-3">
              {arrived
                ? 'From now on the figures move by themselves.'
                : 'Change a product, place a test order or send a test notification; this page notices at once.'}
            </span>
          </span>
        </p>
        <Link
          href={`/?store=${encodeURIComponent(store.id)}`}
          onClick={() => void open()}
          className={linkButton('primary')}
        >
          Open the overview
        </Link>
      </div>
    </>
  )
}
