import { useMutation } from '@tanstack/react-query'
import { MailCheck } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { sentenceOf } from '../api/problem.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Link } from '../ui/location.tsx'
import { Alert } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Entry, entryCard, entryLink } from './entry.tsx'

const back = (
  <Link href="/sign-in" className={entryLink}>
    Back to signing in
  </Link>
)

export function Forgot() {
  const [email, setEmail] = useState('')
  const ask = useMutation({ mutationFn: () => account.forgot(email.trim()) })
  useTitle('Forgot your password?')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    ask.mutate()
  }

  if (ask.isSuccess) {
    return (
      <Entry title="Look at your mail" below={back}>
        <div role="status" className={entryCard}>
          <MailCheck aria-hidden className="size-6 text-good" />
          <p>
            If <strong className="font-medium break-all">{email.trim()}</strong> has an account, a link to
            choose a new password is on its way. It works once, for a short time.
          </p>
          <p className="text-[13px] text-ink-3">
            Nothing there after a few minutes? Look in the spam folder. Where this server sends no mail, the
            link is in its log: ask whoever runs it.
          </p>
        </div>
      </Entry>
    )
  }
  return (
    <Entry
      title="Forgot your password?"
      subtitle="We send you a link with which you choose a new one."
      below={back}
    >
      <form onSubmit={submit} className={entryCard}>
        {ask.isError && <Alert>{sentenceOf(ask.error)}</Alert>}
        <Field
          label="E-mail address"
          type="email"
          name="email"
          autoComplete="username"
          required
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the page asks for nothing else
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Button type="submit" look="primary" busy={ask.isPending} className="mt-1 h-10">
          Send the link
        </Button>
      </form>
    </Entry>
  )
}
