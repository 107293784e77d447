import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { session } from '../api/client.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { TenantSettings } from '../api/shapes.ts'
import { roleLabel } from '../domain/roles.ts'
import { PASSWORD_HINT, SHORTEST_PASSWORD } from '../session/passwords.ts'
import { useOwner, useSession } from '../session/use-session.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Field } from '../ui/field.tsx'
import { Saved } from '../ui/saved.tsx'
import { Alert, Failed, Skeleton } from '../ui/states.tsx'

export function Profile() {
  const owner = useOwner()
  return (
    <>
      <You />
      <ChangePassword />
      {owner && <AccountName />}
    </>
  )
}

function You() {
  const state = useSession()
  if (state.status !== 'signed-in') return null
  const { user, tenant } = state.session
  const facts = [
    ['Name', user.name || 'Not given'],
    ['E-mail address', user.email],
    ['Account', tenant.name],
    ['Role', roleLabel(user.role)],
  ] as const
  return (
    <Card title="You">
      <dl className="px-5 pt-1 pb-3">
        {facts.map(([label, value]) => (
          <div
            key={label}
            className="flex flex-wrap justify-between gap-x-6 border-line py-2 not-first:border-t"
          >
            <dt className="text-ink-3">{label}</dt>
            <dd className="min-w-0 font-medium break-words">{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

const NO_PASSWORDS = { current: '', next: '' }

function ChangePassword() {
  const [form, setForm] = useState(NO_PASSWORDS)
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: () => account.changePassword(form.current, form.next),
    onSuccess: () => {
      setForm(NO_PASSWORDS)
      return client.invalidateQueries({ queryKey: ['sign-ins'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  const currentFault = faultOf(change.error, 'current')
  const nextFault = faultOf(change.error, 'new') ?? faultOf(change.error, 'password')
  return (
    <Card title="Password">
      <form onSubmit={submit} className="flex flex-col gap-4 px-5 pt-2 pb-5">
        {change.isError && !currentFault && !nextFault && <Alert>{sentenceOf(change.error)}</Alert>}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            label="Current password"
            type="password"
            name="current"
            autoComplete="current-password"
            required
            value={form.current}
            error={currentFault}
            onChange={(event) => setForm({ ...form, current: event.target.value })}
          />
          <Field
            label="New password"
            type="password"
            name="new"
            autoComplete="new-password"
            required
            minLength={SHORTEST_PASSWORD}
            value={form.next}
            error={nextFault}
            hint={PASSWORD_HINT}
            onChange={(event) => setForm({ ...form, next: event.target.value })}
          />
        </div>
        <div className="flex flex-wrap items-center justify-between gap-3">
          <p className="text-[13px] text-ink-3">Every other sign-in of yours ends when you change it.</p>
          <span className="flex items-center gap-3">
            {change.isSuccess && form === NO_PASSWORDS && <Saved>Changed</Saved>}
            <Button type="submit" busy={change.isPending}>
              Change password
            </Button>
          </span>
        </div>
      </form>
    </Card>
  )
}

function AccountName() {
  const tenant = useQuery({ queryKey: ['tenant'], queryFn: ({ signal }) => account.tenant(signal) })
  return (
    <Card title="Account name">
      {tenant.isError ? (
        <Failed what="The account" error={tenant.error} onRetry={() => void tenant.refetch()} />
      ) : tenant.data ? (
        <AccountNameForm tenant={tenant.data} />
      ) : (
        <div className="px-5 pt-2 pb-5">
          <Skeleton className="h-10" />
        </div>
      )}
    </Card>
  )
}

function AccountNameForm({ tenant }: { tenant: TenantSettings }) {
  const [name, setName] = useState(tenant.name)
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => account.changeTenant({ name: name.trim() }),
    onSuccess: async (saved) => {
      client.setQueryData(['tenant'], saved)
      setName(saved.name)
      // The shell shows the name that came with the session.
      await session.restore()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  const fault = faultOf(save.error, 'name')
  return (
    <form onSubmit={submit} className="px-5 pt-2 pb-5">
      {save.isError && !fault && (
        <div className="mb-4">
          <Alert>{sentenceOf(save.error)}</Alert>
        </div>
      )}
      <div className="flex flex-wrap items-end gap-3">
        <Field
          label="Shown to everybody in the account"
          name="name"
          autoComplete="organization"
          required
          maxLength={200}
          value={name}
          error={fault}
          className="min-w-0 flex-1 basis-56"
          onChange={(event) => setName(event.target.value)}
        />
        <span className="flex h-10 items-center gap-3">
          <Button type="submit" busy={save.isPending} disabled={name.trim() === tenant.name}>
            Save
          </Button>
          {save.isSuccess && name === tenant.name && <Saved />}
        </span>
      </div>
    </form>
  )
}
