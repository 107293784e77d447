import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ArrowLeft, Check, LoaderCircle } from 'lucide-react'
import { useEffect, useState, type FormEvent } from 'react'
import { api } from '../api/client.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { NewStore, Store } from '../api/shapes.ts'
import { useLive } from '../session/live.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { go, Link } from '../ui/location.tsx'
import { Alert } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { permanentDomain } from './domain.ts'
import { storeLabel } from './label.ts'
import { WebhookSteps } from './webhook-steps.tsx'

export function Connect({ stores }: { stores: readonly Store[] }) {
  const [connected, setConnected] = useState<Store | null>(null)
  useTitle('Connect a store')
  const connectedTo = (store: Store) => {
    setConnected(store)
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
        <Waiting store={connected} />
      ) : (
        <ConnectForm first={stores.length === 0} onConnected={connectedTo} />
      )}
    </div>
  )
}

const NO_STORE = { domain: '', api_secret: '', access_token: '', timezone: '', currency: '' }

function ConnectForm({ first, onConnected }: { first: boolean; onConnected: (store: Store) => void }) {
  const [form, setForm] = useState({
    ...NO_STORE,
    timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  })
  const [domainFault, setDomainFault] = useState<string | null>(null)
  const add = useMutation({ mutationFn: (store: NewStore) => api.addStore(store), onSuccess: onConnected })

  const change = (name: keyof typeof NO_STORE) => (event: { target: { value: string } }) => {
    setForm({ ...form, [name]: event.target.value })
    if (name === 'domain') setDomainFault(null)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const domain = permanentDomain(form.domain)
    if (!domain) {
      setDomainFault(
        'This is not a myshopify.com domain. You find it in the Shopify admin under Settings → Domains.',
      )
      return
    }
    add.mutate(filled({ ...form, domain, currency: form.currency.trim().toUpperCase() }))
  }
  const fault = (name: string) => faultOf(add.error, name)
  const told = ['domain', 'api_secret', 'access_token', 'timezone', 'currency'].some((name) => fault(name))

  return (
    <>
      <h1 className="text-[22px] font-semibold tracking-[-0.02em]">
        {first ? 'Connect your first store' : 'Connect a store'}
      </h1>
      <p className="mt-1 text-ink-2">
        With a custom app of your own: Shopify sends its webhooks here, and the secret proves that they are
        Shopify’s.
      </p>
      <form
        onSubmit={submit}
        noValidate
        className="mt-6 flex flex-col gap-5 rounded-2xl border border-line bg-surface p-6 shadow-card"
      >
        {add.isError && !told && <Alert>{sentenceOf(add.error)}</Alert>}
        <Field
          label="Store domain"
          name="domain"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          placeholder="your-store"
          suffix={form.domain.includes('.') ? '' : '.myshopify.com'}
          value={form.domain}
          onChange={change('domain')}
          error={domainFault ?? fault('domain')}
          hint="The permanent one that ends in myshopify.com."
          data-testid="store-domain"
        />
        <Field
          label="API secret key"
          name="api_secret"
          type="password"
          autoComplete="off"
          value={form.api_secret}
          onChange={change('api_secret')}
          error={fault('api_secret')}
          hint="The secret of the app whose webhooks come here. For webhooks made under Settings → Notifications it is the key shown on that page. Not needed if this server has the app’s secret already."
          data-testid="store-secret"
        />
        <Field
          label="Admin API access token"
          optional
          name="access_token"
          type="password"
          autoComplete="off"
          placeholder="shpat_…"
          value={form.access_token}
          onChange={change('access_token')}
          error={fault('access_token')}
          hint="To read what happened before today. Webhooks alone do not need it."
        />
        <div className="grid gap-5 sm:grid-cols-[2fr_1fr]">
          <Field
            label="Time zone"
            name="timezone"
            list="timezones"
            autoComplete="off"
            value={form.timezone}
            onChange={change('timezone')}
            error={fault('timezone')}
            hint="The store’s own: it decides where a day begins."
          />
          <Field
            label="Currency"
            name="currency"
            list="currencies"
            autoComplete="off"
            maxLength={3}
            placeholder="USD"
            value={form.currency}
            onChange={change('currency')}
            error={fault('currency')}
            hint="The store’s own."
          />
        </div>
        <datalist id="timezones">
          {Intl.supportedValuesOf('timeZone').map((zone) => (
            <option key={zone}>{zone}</option>
          ))}
        </datalist>
        <datalist id="currencies">
          {Intl.supportedValuesOf('currency').map((currency) => (
            <option key={currency}>{currency}</option>
          ))}
        </datalist>
        <div className="flex justify-end">
          <Button
            type="submit"
            look="primary"
            busy={add.isPending}
            data-testid="store-submit"
            className="h-10 px-4"
          >
            Connect store
          </Button>
        </div>
      </form>
    </>
  )
}

/** Leaves out what was left empty: the server learns it from the shop. */
function filled(form: typeof NO_STORE): NewStore {
  const entries = Object.entries(form)
    .map(([name, value]) => [name, value.trim()] as const)
    .filter(([, value]) => value !== '')
  return Object.fromEntries(entries) as unknown as NewStore
}

function Waiting({ store }: { store: Store }) {
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
      <p className="mt-1 text-ink-2">Now tell Shopify where to send its webhooks.</p>
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
          className="inline-flex h-9 shrink-0 items-center rounded-lg bg-accent px-3 font-medium text-on-accent hover:bg-accent-strong"
        >
          Open the overview
        </Link>
      </div>
    </>
  )
}
