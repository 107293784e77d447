import { useMutation } from '@tanstack/react-query'
import { CircleCheck } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { go, Link } from '../ui/location.tsx'
import { Alert } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Entry, entryCard, entryLink } from './entry.tsx'
import { tokenIn } from './next.ts'
import { PASSWORD_HINT, SHORTEST_PASSWORD } from './passwords.ts'

export function Reset() {
  const [token] = useState(() => tokenIn(location.hash))
  const [password, setPassword] = useState('')
  useTitle('Choose a new password')
  const save = useMutation({
    mutationFn: () => account.reset(token ?? '', password),
    // A used link is of no use to whoever looks over the shoulder or through the history.
    onSuccess: () => history.replaceState(null, '', '/reset'),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  const fault = faultOf(save.error, 'password')

  if (save.isSuccess) {
    return (
      <Entry title="Your new password is set">
        <div role="status" className={entryCard}>
          <CircleCheck aria-hidden className="size-6 text-good" />
          <p>All sign-ins with the old one have ended, on every device.</p>
          <Button look="primary" className="h-10" onClick={() => go('/sign-in', 'replace')}>
            Sign in
          </Button>
        </div>
      </Entry>
    )
  }
  if (!token) return <BrokenLink what="This link is incomplete" />
  return (
    <Entry title="Choose a new password">
      <form onSubmit={submit} className={entryCard}>
        {save.isError && !fault && (
          <Alert>
            {sentenceOf(save.error)}{' '}
            <Link href="/forgot" className="font-medium underline underline-offset-2">
              Ask for a new link
            </Link>
          </Alert>
        )}
        <Field
          label="New password"
          type="password"
          name="password"
          autoComplete="new-password"
          required
          minLength={SHORTEST_PASSWORD}
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the page asks for nothing else
          autoFocus
          value={password}
          error={fault}
          hint={PASSWORD_HINT}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" look="primary" busy={save.isPending} className="mt-1 h-10">
          Set password
        </Button>
      </form>
    </Entry>
  )
}

function BrokenLink({ what }: { what: string }) {
  return (
    <Entry title={what}>
      <div className={entryCard}>
        <p className="text-ink-2">
          Open it again from the message, with everything behind the #. Mail programs sometimes cut long
          addresses in two.
        </p>
        <Link href="/forgot" className={entryLink}>
          Ask for a new link
        </Link>
      </div>
    </Entry>
  )
}
