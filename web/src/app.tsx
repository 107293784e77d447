import { useQuery } from '@tanstack/react-query'
import { WifiOff } from 'lucide-react'
import { lazy, Suspense, type ComponentType, type ReactNode } from 'react'
import { api, session } from './api/client.ts'
import type { Session, Store } from './api/shapes.ts'
import { orderIn } from './orders/address.ts'
import { Overview } from './overview/overview.tsx'
import { Onward } from './session/entry.tsx'
import { Forgot } from './session/forgot.tsx'
import { Invitation } from './session/invitation.tsx'
import { LiveProvider } from './session/live.tsx'
import { localPath } from './session/next.ts'
import { Reset } from './session/reset.tsx'
import { SignIn } from './session/sign-in.tsx'
import { useSession } from './session/use-session.ts'
import { Shell } from './shell.tsx'
import { Connect } from './stores/connect.tsx'
import { Stores } from './stores/stores.tsx'
import { Mark } from './ui/brand.tsx'
import { Button } from './ui/button.tsx'
import { Link, usePlace } from './ui/location.tsx'
import { Empty, Failed } from './ui/states.tsx'

/** Seldom opened: loaded when it is. */
const Settings = lazy(() => import('./settings/settings.tsx'))

const ProductsPage = lazy(() => import('./catalogue/products-page.tsx'))
const CustomersPage = lazy(() => import('./people/customers-page.tsx'))
const OrdersPage = lazy(() => import('./orders/orders-page.tsx'))
const OrderPage = lazy(() => import('./orders/order-page.tsx'))

/** Pages about one store and a range of days. */
const figurePages: Record<string, ComponentType<{ stores: readonly Store[] }>> = {
  '/orders': OrdersPage,
  '/products': ProductsPage,
  '/customers': CustomersPage,
}

/** Pages that are opened from a message, whoever is signed in. */
const fromMessages: Record<string, () => ReactNode> = {
  '/forgot': Forgot,
  '/reset': Reset,
  '/invite': Invitation,
}

export function App() {
  const state = useSession()
  const { path, search } = usePlace()
  if (state.status === 'restoring') return <Opening />
  const FromMessage = Object.hasOwn(fromMessages, path) ? fromMessages[path] : undefined
  if (FromMessage) return <FromMessage />
  if (state.status === 'unreachable') return <Unreachable />
  if (state.status === 'signed-out') return <SignIn />
  if (path === '/sign-in') return <Onward to={localPath(search.get('next'), location.origin)} />
  return (
    <LiveProvider key={state.session.tenant.id} tenant={state.session.tenant.id}>
      <SignedIn session={state.session} />
    </LiveProvider>
  )
}

/** A store's connection may end without any delivery that would tell of it. */
const STORES_EVERY_MS = 15_000

function SignedIn({ session: current }: { session: Session }) {
  const stores = useQuery({
    queryKey: ['stores'],
    queryFn: ({ signal }) => api.stores(signal),
    refetchInterval: STORES_EVERY_MS,
  })

  if (stores.isPending) return <Opening />
  if (stores.isError && !stores.data) {
    return (
      <Shell session={current}>
        <Failed what="Your stores" error={stores.error} onRetry={() => void stores.refetch()} />
      </Shell>
    )
  }
  return (
    <Shell session={current} stores={stores.data}>
      <Page stores={stores.data} />
    </Shell>
  )
}

function Page({ stores }: { stores: readonly Store[] }) {
  const { path } = usePlace()
  if (path === '/settings' || path.startsWith('/settings/')) {
    return (
      <Suspense fallback={<Opening />}>
        <Settings />
      </Suspense>
    )
  }
  const nothingYet =
    stores.length === 0 && (path === '/' || path === '/stores' || Object.hasOwn(figurePages, path))
  if (path === '/stores/connect' || nothingYet) return <Connect stores={stores} />
  if (path === '/stores') return <Stores stores={stores} />
  if (path === '/') return <Overview stores={stores} />
  const order = orderIn(path)
  if (order) {
    return (
      <Suspense fallback={<Opening />}>
        <OrderPage key={order} order={order} />
      </Suspense>
    )
  }
  const Figures = Object.hasOwn(figurePages, path) ? figurePages[path] : undefined
  if (!Figures) return <NotFound />
  return (
    <Suspense fallback={<Opening />}>
      <Figures stores={stores} />
    </Suspense>
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
