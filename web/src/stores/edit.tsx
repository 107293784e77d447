import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { Store, StoreChanges } from '../api/shapes.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Alert } from '../ui/states.tsx'
import { storeLabel } from './label.ts'

const FIELDS = ['name', 'abandonment_window_minutes', 'api_key', 'api_secret', 'access_token'] as const
type FieldName = (typeof FIELDS)[number]

/** What of the form is to be changed: a secret that was left empty stays. Null where the minutes make no sense. */
export function changesIn(form: Record<FieldName, string>): StoreChanges | null {
  const minutes = Number(form.abandonment_window_minutes)
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 43_200) return null
  const changes: StoreChanges = { name: form.name.trim(), abandonment_window_minutes: minutes }
  for (const field of ['api_key', 'api_secret', 'access_token'] as const) {
    if (form[field].trim()) changes[field] = form[field].trim()
  }
  return changes
}

export function EditStore({ store, onClose }: { store: Store; onClose: () => void }) {
  const client = useQueryClient()
  const [form, setForm] = useState<Record<FieldName, string>>({
    name: store.name,
    abandonment_window_minutes: String(store.abandonment_window_minutes),
    api_key: '',
    api_secret: '',
    access_token: '',
  })
  const [windowFault, setWindowFault] = useState<string | null>(null)
  const save = useMutation({
    mutationFn: (changes: StoreChanges) => api.changeStore(store.id, changes),
    onSuccess: async () => {
      onClose()
      await client.invalidateQueries()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const changes = changesIn(form)
    if (changes) save.mutate(changes)
    else setWindowFault('A whole number of minutes, from 1 to 43,200 (30 days).')
  }
  const change = (name: FieldName) => (event: { target: { value: string } }) => {
    setForm({ ...form, [name]: event.target.value })
    if (name === 'abandonment_window_minutes') setWindowFault(null)
  }
  const fault = (name: FieldName) => faultOf(save.error, name)
  const told = FIELDS.some((name) => fault(name))
  return (
    <Dialog title={`Edit ${storeLabel(store)}`} onClose={onClose}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {save.isError && !told && <Alert>{sentenceOf(save.error)}</Alert>}
        <Field
          label="Name"
          value={form.name}
          error={fault('name')}
          placeholder={store.domain}
          onChange={change('name')}
        />
        <Field
          label="Minutes until a checkout counts as abandoned"
          type="number"
          min={1}
          max={43_200}
          step={1}
          value={form.abandonment_window_minutes}
          error={windowFault ?? fault('abandonment_window_minutes')}
          hint="Shopify’s own is 10."
          onChange={change('abandonment_window_minutes')}
        />
        <details open={told && !fault('name') && !fault('abandonment_window_minutes')}>
          <summary className="w-fit rounded font-medium">Secrets of its own app</summary>
          <div className="mt-3 flex flex-col gap-4">
            <p className="text-[13px] text-ink-3">
              For stores with a custom app. What is left empty stays. After a new API secret key, the one
              before is accepted for a day more, so that no webhook is lost while you change it in Shopify.
            </p>
            <Field
              label="API key"
              autoComplete="off"
              spellCheck={false}
              value={form.api_key}
              placeholder={store.api_key ?? 'The app’s client id'}
              error={fault('api_key')}
              onChange={change('api_key')}
            />
            <Field
              label="API secret key"
              type="password"
              autoComplete="off"
              value={form.api_secret}
              placeholder={store.has_api_secret ? 'Set; enter a new one to change it' : 'Not set'}
              error={fault('api_secret')}
              onChange={change('api_secret')}
            />
            <Field
              label="Admin API access token"
              type="password"
              autoComplete="off"
              value={form.access_token}
              placeholder={store.has_access_token ? 'Set; enter a new one to change it' : 'Not set'}
              error={fault('access_token')}
              onChange={change('access_token')}
            />
          </div>
        </details>
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
