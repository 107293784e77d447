import { useState, type FormEvent } from 'react'
import { faultOf, ProblemError, sentenceOf } from '../api/problem.ts'
import { session } from '../api/client.ts'
import { Mark } from '../ui/brand.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Alert } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'

type Mode = 'sign-in' | 'register'

const PASSWORD_HINT = 'At least 10 characters. A few unrelated words are good and easy to keep.'

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
  const taken = error instanceof ProblemError && error.status === 409

  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-4 py-10">
      <div className="w-full max-w-[25rem]">
        <div className="mb-8 flex flex-col items-center gap-4 text-center">
          <Mark className="size-11" />
          <div>
            <h1 className="text-[22px] font-semibold tracking-[-0.02em]">
              {registering ? 'Create your account' : 'Sign in to Tillstream'}
            </h1>
            <p className="mt-1 text-ink-3">
              {registering
                ? 'Your stores’ numbers, live, in a minute.'
                : 'Your stores’ numbers, as they happen.'}
            </p>
          </div>
        </div>
        <form
          onSubmit={(event) => void submit(event)}
          className="flex flex-col gap-4 rounded-2xl border border-line bg-surface p-6 shadow-card"
        >
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
            minLength={registering ? 10 : undefined}
            data-testid="login-password"
            value={password}
            error={passwordFault}
            hint={registering ? PASSWORD_HINT : undefined}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Button type="submit" look="primary" busy={busy} data-testid="login-submit" className="mt-1 h-10">
            {registering ? 'Create account' : 'Sign in'}
          </Button>
        </form>
        <p className="mt-5 text-center text-ink-2">
          {registering ? 'Have an account?' : 'New here?'}{' '}
          <button
            type="button"
            data-testid="login-switch"
            className="rounded font-medium text-accent hover:underline"
            onClick={toggle}
          >
            {registering ? 'Sign in' : 'Create an account'}
          </button>
        </p>
      </div>
    </main>
  )
}
