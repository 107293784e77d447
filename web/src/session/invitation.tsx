import { useMutation, useQuery } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { session } from '../api/client.ts'
import { faultOf, ProblemError, sentenceOf } from '../api/problem.ts'
import type { InvitationOffer } from '../api/shapes.ts'
import { roleNoun, roles } from '../domain/roles.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { go, Link } from '../ui/location.tsx'
import { Alert, Skeleton } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Entry, entryCard, entryLink } from './entry.tsx'
import { tokenIn } from './next.ts'
import { PASSWORD_HINT, SHORTEST_PASSWORD } from './passwords.ts'

export function Invitation() {
  const [token] = useState(() => tokenIn(location.hash) ?? '')
  useTitle('Invitation')
  const offer = useQuery({
    queryKey: ['invitation', token],
    queryFn: () => account.lookUpInvitation(token),
    enabled: token !== '',
    gcTime: 0,
  })

  if (token === '' || offer.isError) return <NoInvitation error={offer.error} />
  if (!offer.data) {
    return (
      <Entry title="Your invitation">
        <div role="status" className={entryCard}>
          <span className="sr-only">Loading the invitation</span>
          <Skeleton className="h-10" />
          <Skeleton className="h-10" />
        </div>
      </Entry>
    )
  }
  return <Offer offer={offer.data} token={token} />
}

function NoInvitation({ error }: { error: unknown }) {
  const waitable = error instanceof ProblemError && (error.status === 0 || error.status >= 500)
  return (
    <Entry title={waitable ? 'The invitation could not be loaded' : 'This invitation no longer works'}>
      <div role="alert" className={entryCard}>
        <p className="text-ink-2">
          {waitable
            ? sentenceOf(error)
            : 'It may have been used, withdrawn, or have expired; or the link was cut in two on its way. Ask whoever invited you for a new one.'}
        </p>
        <Link href="/" className={entryLink}>
          Go to the dashboard
        </Link>
      </div>
    </Entry>
  )
}

function Offer({ offer, token }: { offer: InvitationOffer; token: string }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const join = useMutation({
    mutationFn: () =>
      session.accept(name.trim() ? { token, password, name: name.trim() } : { token, password }),
    onSuccess: () => go('/', 'replace'),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    join.mutate()
  }
  const fault = faultOf(join.error, 'password')
  const may = roles.find((role) => role.value === offer.role)?.may

  return (
    <Entry
      title={`Join ${offer.tenant}`}
      subtitle={
        <>
          You are invited as {roleNoun(offer.role)}. {may}
        </>
      }
    >
      <form onSubmit={submit} className={entryCard}>
        {join.isError && !fault && <Alert>{sentenceOf(join.error)}</Alert>}
        <Field
          label="E-mail address"
          type="email"
          name="email"
          autoComplete="username"
          readOnly
          value={offer.email}
          hint={offer.has_account ? 'It has an account here: its password joins the two.' : undefined}
        />
        {!offer.has_account && (
          <Field
            label="Your name"
            optional
            name="name"
            autoComplete="name"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
        <Field
          label="Password"
          type="password"
          name="password"
          autoComplete={offer.has_account ? 'current-password' : 'new-password'}
          required
          minLength={offer.has_account ? undefined : SHORTEST_PASSWORD}
          value={password}
          error={fault}
          hint={offer.has_account ? undefined : PASSWORD_HINT}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" look="primary" busy={join.isPending} className="mt-1 h-10">
          {offer.has_account ? 'Join' : 'Create account and join'}
        </Button>
        {offer.has_account && (
          <Link href="/forgot" className={`${entryLink} text-center text-[13px]`}>
            Forgot your password?
          </Link>
        )}
      </form>
    </Entry>
  )
}
