import { LogOut, Moon, Sun, UserRound } from 'lucide-react'
import type { ReactNode } from 'react'
import { session } from './api/client.ts'
import type { Session, Store } from './api/shapes.ts'
import { filtersOf } from './domain/filters.ts'
import { onward } from './overview/scope.ts'
import { Accounts, AccountSwitcher } from './session/accounts.tsx'
import { LiveStatusBadge } from './session/live-status.tsx'
import { countAttention } from './stores/status.ts'
import { Mark } from './ui/brand.tsx'
import { IconButton } from './ui/button.tsx'
import { classes } from './ui/classes.ts'
import { go, Link, usePlace } from './ui/location.tsx'
import { Popover } from './ui/popover.tsx'
import { chooseTheme, useTheme } from './ui/theme.ts'

/** Pages of figures are about one store and one range of days, which go along from one to the next; some know filters. */
const pages = [
  { href: '/', label: 'Overview', figures: true, filtered: true },
  { href: '/orders', label: 'Orders', figures: true, filtered: true },
  { href: '/products', label: 'Products', figures: true },
  { href: '/customers', label: 'Customers', figures: true },
  { href: '/stores', label: 'Stores', figures: false },
  { href: '/settings', label: 'Settings', figures: false },
]

interface ShellProps {
  session: Session
  stores?: readonly Store[]
  children: ReactNode
}

export function Shell({ session: current, stores, children }: ShellProps) {
  return (
    <>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-accent focus:px-3 focus:py-2 focus:text-on-accent"
      >
        Skip to the page
      </a>
      <header className="sticky top-0 z-20 border-b border-line bg-canvas/85 backdrop-blur-md">
        <div className="mx-auto flex max-w-[1480px] flex-wrap items-center gap-x-2 gap-y-1 px-4 max-md:min-h-14 max-md:pt-1.5 max-[380px]:px-3 sm:gap-x-3 sm:px-6 md:h-14">
          <Link href="/" aria-label="Tillstream" className="flex items-center gap-2.5 rounded-md">
            <Mark className="size-7" />
            <span className="text-[15px] font-semibold tracking-[-0.015em] max-[340px]:hidden">
              Tillstream
            </span>
          </Link>
          <Pages attention={stores ? countAttention(stores) : 0} />
          <div className="ml-auto flex items-center gap-1">
            <AccountSwitcher session={current} />
            <LiveStatusBadge />
            <span className="max-sm:hidden">
              <ThemeToggle />
            </span>
            <Account session={current} />
          </div>
        </div>
      </header>
      <main id="main" className="mx-auto max-w-[1480px] px-4 pt-5 pb-16 sm:px-6">
        {children}
      </main>
    </>
  )
}

function Pages({ attention }: { attention: number }) {
  const { path, search } = usePlace()
  return (
    <nav
      aria-label="Pages"
      className="flex gap-0.5 max-sm:gap-0 max-md:order-last max-md:-mx-1 max-md:w-full max-md:overflow-x-auto max-md:pb-2 md:ml-4"
    >
      {pages.map(({ href, label, figures, filtered }) => {
        const here = href === '/' ? path === '/' : path.startsWith(href)
        return (
          <Link
            key={href}
            href={figures ? onward(href, search, filtered ? filtersOf(search) : {}) : href}
            aria-current={here ? 'page' : undefined}
            className={classes(
              'rounded-lg px-1 py-1.5 font-medium whitespace-nowrap max-sm:text-[13px] sm:px-2.5 transition-colors',
              here ? 'bg-sunken text-ink' : 'text-ink-3 hover:text-ink',
            )}
          >
            {label}
            {href === '/stores' && attention > 0 && <Attention count={attention} />}
          </Link>
        )
      })}
    </nav>
  )
}

/** How many stores somebody should look at. */
function Attention({ count }: { count: number }) {
  return (
    <span
      data-testid="stores-attention"
      className="ml-1.5 inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-full bg-warn-soft px-1 text-[11px] font-semibold text-warn figures"
    >
      {count}
      <span className="sr-only">{count === 1 ? ' needs attention' : ' need attention'}</span>
    </span>
  )
}

function ThemeToggle() {
  const theme = useTheme()
  const other = theme === 'dark' ? 'light' : 'dark'
  const Icon = theme === 'dark' ? Sun : Moon
  return (
    <IconButton label={`Use ${other} colours`} onClick={() => chooseTheme(other)}>
      <Icon aria-hidden className="size-4" />
    </IconButton>
  )
}

/** Where the header has no room for it: in the account's menu. */
function ThemeItem() {
  const theme = useTheme()
  const other = theme === 'dark' ? 'light' : 'dark'
  const Icon = theme === 'dark' ? Sun : Moon
  return (
    <button
      type="button"
      onClick={() => chooseTheme(other)}
      className="flex w-full items-center gap-2.5 rounded-lg px-2.5 py-2 text-left hover:bg-sunken sm:hidden"
    >
      <Icon aria-hidden className="size-4 text-ink-3" />
      Use {other} colours
    </button>
  )
}

function Account({ session: current }: { session: Session }) {
  return (
    <Popover
      label="Account"
      align="end"
      button={<UserRound aria-hidden className="size-4" />}
      buttonProps={{
        'aria-label': 'Account',
        title: 'Account',
        className:
          'inline-flex size-9 items-center justify-center rounded-lg text-ink-2 transition-colors hover:bg-sunken hover:text-ink',
      }}
      className="w-64 p-1.5"
    >
      {(close) => (
        <>
          <div className="border-b border-line px-2.5 pt-1.5 pb-3">
            <p className="truncate font-medium">{current.tenant.name}</p>
            <p className="truncate text-[13px] text-ink-3">{current.user.email}</p>
          </div>
          {current.tenants.length > 1 && (
            <div className="border-b border-line py-1.5 lg:hidden">
              <Accounts session={current} onDone={close} />
            </div>
          )}
          <Link
            href="/settings/profile"
            onClick={close}
            className="mt-1.5 flex w-full items-center gap-2.5 rounded-lg px-2.5 py-2 hover:bg-sunken"
          >
            <UserRound aria-hidden className="size-4 text-ink-3" />
            Your profile
          </Link>
          <ThemeItem />
          <button
            type="button"
            onClick={() => {
              void session.signOut()
              // Whoever signs in next begins at the beginning.
              go('/', 'replace')
            }}
            className="flex w-full items-center gap-2.5 rounded-lg px-2.5 py-2 text-left hover:bg-sunken"
          >
            <LogOut aria-hidden className="size-4 text-ink-3" />
            Sign out
          </button>
        </>
      )}
    </Popover>
  )
}
