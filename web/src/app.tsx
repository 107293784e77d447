import { useQuery } from '@tanstack/react-query'
import { WifiOff } from 'lucide-react'
import { api, session } from './api/client.ts'
import type { Session } from './api/shapes.ts'
import { Overview } from './overview/overview.tsx'
import { LiveProvider } from './session/live.tsx'
import { SignIn } from './session/sign-in.tsx'
import { useSession } from './session/use-session.ts'
import { Shell } from './shell.tsx'
import { Connect } from './stores/connect.tsx'
import { Stores } from './stores/stores.tsx'
import { Mark } from './ui/brand.tsx'
import { Button } from './ui/button.tsx'
import { Link, usePlace } from './ui/location.tsx'
import { Empty, Failed } from './ui/states.tsx'

export function App() {
  const state = useSession()
  switch (state.status) {
    case 'restoring':
      return <Opening />
    case 'unreachable':
      return <Unreachable />
    case 'signed-out':
      return <SignIn />
    case 'signed-in':
      return (
        <LiveProvider key={state.session.tenant.id} tenant={state.session.tenant.id}>
          <SignedIn session={state.session} />
        </LiveProvider>
      )
  }
}

function SignedIn({ session: current }: { session: Session }) {
  const { path } = usePlace()
  const stores = useQuery({ queryKey: ['stores'], queryFn: ({ signal }) => api.stores(signal) })

  if (stores.isPending) return <Opening />
  if (stores.isError) {
    return (
      <Shell session={current}>
        <Failed what="Your stores" error={stores.error} onRetry={() => void stores.refetch()} />
      </Shell>
    )
  }
  return (
    <Shell session={current}>
      {path === '/stores/connect' || (stores.data.length === 0 && (path === '/' || path === '/stores')) ? (
        <Connect stores={stores.data} />
      ) : path === '/stores' ? (
        <Stores stores={stores.data} />
      ) : path === '/' ? (
        <Overview stores={stores.data} />
      ) : (
        <NotFound />
      )}
    </Shell>
  )
}

function Opening() {
  return (
    <div role="status" className="flex min-h-dvh items-center justify-center">
      <Mark className="size-10 animate-pulse" />
      <span className="sr-only">Loading Tillstream</span>
    </div>
  )
}

function Unreachable() {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center">
      <Empty icon={<WifiOff aria-hidden className="size-6" />} title="Tillstream cannot be reached">
        You are not signed out. Check the connection, then try again.
      </Empty>
      <Button look="primary" onClick={() => void session.restore()}>
        Try again
      </Button>
    </main>
  )
}

function NotFound() {
  return (
    <div className="py-16">
      <Empty title="There is no page here">
        <Link href="/" className="text-accent hover:underline">
          Go to the overview
        </Link>
      </Empty>
    </div>
  )
}
