import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { NewStore, Store } from '../api/shapes.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Alert } from '../ui/states.tsx'
import { permanentDomain } from './domain.ts'
import { NO_DOMAIN } from './shopify-form.tsx'

const NO_STORE = { domain: '', api_key: '', api_secret: '', access_token: '', timezone: '', currency: '' }

interface CustomFormProps {
  /** `approvable`: the app's own id is known, so that Shopify can be asked for a token. */
  onConnected: (store: Store, approvable: boolean) => void
}

/** Connects a store by an app of its own, whose secret is entered here. */
export function CustomForm({ onConnected }: CustomFormProps) {
  const [form, setForm] = useState({
    ...NO_STORE,
    timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  })
  const [domainFault, setDomainFault] = useState<string | null>(null)
  const add = useMutation({
    mutationFn: (store: NewStore) => api.addStore(store),
    onSuccess: (made, sent) =>
      onConnected(made, Boolean(sent.api_key && sent.api_secret && !sent.access_token)),
  })

  const change = (name: keyof typeof NO_STORE) => (event: { target: { value: string } }) => {
    setForm({ ...form, [name]: event.target.value })
    if (name === 'domain') setDomainFault(null)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const domain = permanentDomain(form.domain)
    if (!domain) {
      setDomainFault(NO_DOMAIN)
      return
    }
    add.mutate(filled({ ...form, domain, currency: form.currency.trim().toUpperCase() }))
  }
  const fault = (name: string) => faultOf(add.error, name)
  const told = ['domain', 'api_key', 'api_secret', 'access_token', 'timezone', 'currency'].some((name) =>
    fault(name),
  )

  return (
    <form
      onSubmit={submit}
      noValidate
      className="flex flex-col gap-5 rounded-2xl border border-line bg-surface p-6 shadow-card"
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
        label="API key"
        optional
        name="api_key"
        autoComplete="off"
        spellCheck={false}
        value={form.api_key}
        onChange={change('api_key')}
        error={fault('api_key')}
        hint="The app’s client id. With it and the secret, you can then approve the app in Shopify instead of pasting a token."
        data-testid="store-key"
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
  )
}

/** Leaves out what was left empty: the server learns it from the shop. */
function filled(form: typeof NO_STORE): NewStore {
  const entries = Object.entries(form)
    .map(([name, value]) => [name, value.trim()] as const)
    .filter(([, value]) => value !== '')
  return Object.fromEntries(entries) as unknown as NewStore
}
