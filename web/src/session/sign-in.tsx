import { useState, type FormEvent } from 'react'
import { faultOf, ProblemError, sentenceOf } from '../api/problem.ts'
import { session } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Link, usePlace } from '../ui/location.tsx'
import { Alert } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Entry, entryCard, entryLink } from './entry.tsx'
import { leavesThePage, localPath } from './next.ts'
import { PASSWORD_HINT, SHORTEST_PASSWORD } from './passwords.ts'

type Mode = 'sign-in' | 'register'

export function SignIn() {
  const [mode, setMode] = useState<Mode>('sign-in')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const registering = mode === 'register'
  useTitle(registering ? 'Create an account' : 'Sign in')

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      if (registering) await session.register(email.trim(), password, name.trim())
      else await session.signIn(email.trim(), password)
    } catch (caught) {
      setError(caught)
      setBusy(false)
    }
  }

  const toggle = () => {
    setMode(registering ? 'sign-in' : 'register')
    setError(null)
  }

  const emailFault = registering ? faultOf(error, 'email') : null
  const passwordFault = registering ? faultOf(error, 'password') : null
  const { search } = usePlace()
  const connecting = leavesThePage(localPath(search.get('next'), location.origin))
  const taken = error instanceof ProblemError && error.status === 409

  return (
    <Entry
      title={registering ? 'Create your account' : 'Sign in to Tillstream'}
      subtitle={subtitle(registering, connecting)}
      below={
        <>
          {registering ? 'Have an account?' : 'New here?'}{' '}
          <button type="button" data-testid="login-switch" className={entryLink} onClick={toggle}>
            {registering ? 'Sign in' : 'Create an account'}
          </button>
        </>
      }
    >
      <form onSubmit={(event) => void submit(event)} className={entryCard}>
        {error !== null && !emailFault && !passwordFault && (
          <Alert>
            {sentenceOf(error)}
            {taken && (
              <>
                {' '}
                <button type="button" className="font-medium underline underline-offset-2" onClick={toggle}>
                  Sign in instead
                </button>
              </>
            )}
          </Alert>
        )}
        {registering && (
          <Field
            label="Name"
            optional
            name="name"
            autoComplete="organization"
            placeholder="Your company"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
        <Field
          label="E-mail address"
          type="email"
          name="email"
          autoComplete="username"
          required
          data-testid="login-email"
          value={email}
          error={emailFault}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Field
          label="Password"
          type="password"
          name="password"
          autoComplete={registering ? 'new-password' : 'current-password'}
          required
          minLength={registering ? SHORTEST_PASSWORD : undefined}
          data-testid="login-password"
          value={password}
          error={passwordFault}
          hint={registering ? PASSWORD_HINT : undefined}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" look="primary" busy={busy} data-testid="login-submit" className="mt-1 h-10">
          {registering ? 'Create account' : 'Sign in'}
        </Button>
        {!registering && (
          <Link href="/forgot" className={`${entryLink} mx-auto text-[13px]`}>
            Forgot your password?
          </Link>
        )}
      </form>
    </Entry>
  )
}

function subtitle(registering: boolean, connecting: boolean): string {
  if (connecting) return 'Then Shopify asks you to approve, and your store is connected.'
  return registering ? 'Your stores’ numbers, live, in a minute.' : 'Your stores’ numbers, as they happen.'
}
