import { useQuery } from '@tanstack/react-query'
import { Ban, Radio, RotateCcw, ShoppingBag, ShoppingCart, Undo2, type LucideIcon } from 'lucide-react'
import { useMemo } from 'react'
import { api, type Question } from '../api/client.ts'
import type { Checkouts, FeedKind, Orders, Store } from '../api/shapes.ts'
import { elapsed } from '../domain/elapsed.ts'
import { formatMoney, negate, pageLocale } from '../domain/money.ts'
import { useLive, type FeedEntry } from '../session/live.tsx'
import { openOrder } from '../why/open.ts'
import { storeLabel } from '../stores/label.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { useNow } from '../ui/clock.ts'
import { RowsLoading } from '../ui/rows.tsx'
import { Empty } from '../ui/states.tsx'

interface KindLook {
  readonly word: string
  readonly Icon: LucideIcon
  readonly tone: string
  readonly amount: string
}

const kinds: Record<FeedKind, KindLook> = {
  order: { word: 'Order', Icon: ShoppingBag, tone: 'bg-accent-soft text-accent', amount: 'text-ink' },
  checkout_recovered: {
    word: 'Recovered',
    Icon: RotateCcw,
    tone: 'bg-good-soft text-good',
    amount: 'text-good',
  },
  checkout_abandoned: {
    word: 'Abandoned',
    Icon: ShoppingCart,
    tone: 'bg-warn-soft text-warn',
    amount: 'text-ink-3',
  },
  refund: { word: 'Refund', Icon: Undo2, tone: 'bg-bad-soft text-bad', amount: 'text-bad' },
  cancellation: { word: 'Cancelled', Icon: Ban, tone: 'bg-bad-soft text-bad', amount: 'text-bad' },
}

const BEFORE = 25

interface FeedProps {
  question: Question
  stores: readonly Store[]
  store: string | null
  timezone: string
}

/** What happens, as it happens. It opens with the latest that happened before. */
export function Feed({ question, stores, store, timezone }: FeedProps) {
  const { feed, status } = useLive()
  const recent = useQuery({
    queryKey: ['recent', question.store],
    queryFn: ({ signal }) => recentEntries({ store: question.store }, signal),
  })
  const entries = useMemo(() => {
    const live = feed.filter((entry) => store === null || entry.store === store)
    const known = new Set(live.map(keyOf))
    const older = (recent.data ?? []).filter((entry) => !known.has(keyOf(entry)))
    return [...live, ...older].toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, 60)
  }, [feed, store, recent.data])
  const many = store === null && stores.length > 1

  return (
    <Card
      title="As it happens"
      className="flex flex-col overflow-hidden xl:sticky xl:top-[4.5rem] xl:max-h-[calc(100dvh-5.5rem)]"
    >
      {entries.length === 0 && recent.isPending ? (
        <RowsLoading count={6} />
      ) : entries.length === 0 ? (
        <Empty
          icon={<Radio aria-hidden className="size-5" />}
          title={status === 'live' ? 'Listening' : 'Not connected yet'}
        >
          Orders, refunds and checkouts appear here the moment they happen.
        </Empty>
      ) : (
        <ol
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scroller must be reachable by keyboard
          tabIndex={0}
          aria-label="Latest events"
          className="min-h-0 flex-1 overflow-y-auto pb-2 max-xl:max-h-96"
        >
          {entries.map((entry) => (
            <FeedRow
              key={keyOf(entry)}
              entry={entry}
              store={many ? stores.find((each) => each.id === entry.store) : undefined}
              timezone={timezone}
            />
          ))}
        </ol>
      )}
    </Card>
  )
}

function keyOf(entry: FeedEntry): string {
  return `${entry.kind} ${entry.id}`
}

function FeedRow({
  entry,
  store,
  timezone,
}: {
  entry: FeedEntry
  store: Store | undefined
  timezone: string
}) {
  const now = useNow(1000)
  const look = kinds[entry.kind] ?? kinds.order
  const { Icon } = look
  // A checkout is known by its shopper, an order by its number.
  const headline = (entry.kind.startsWith('checkout') && entry.customer) || entry.title || look.word
  const order = orderOf(entry)
  const taken = entry.kind === 'refund' || entry.kind === 'cancellation'
  const exact = new Intl.DateTimeFormat(pageLocale(), {
    timeZone: timezone,
    dateStyle: 'medium',
    timeStyle: 'medium',
  })
  return (
    <li
      data-testid="feed-item"
      data-kind={entry.kind}
      className={classes('flex items-center gap-3 px-5 py-2', entry.fresh && 'animate-enter')}
    >
      <span className={classes('flex size-8 shrink-0 items-center justify-center rounded-full', look.tone)}>
        <Icon aria-hidden className="size-4" />
      </span>
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline justify-between gap-2">
          {order ? (
            <button
              type="button"
              title="What made this order what it is"
              onClick={() => openOrder(order, entry.store)}
              className="truncate rounded font-medium hover:text-accent hover:underline"
            >
              {headline}
            </button>
          ) : (
            <span className="truncate font-medium">{headline}</span>
          )}
          <span className={classes('shrink-0 font-medium figures', look.amount)}>
            {formatMoney(
              taken && !entry.amount.startsWith('-') ? negate(entry.amount) : entry.amount,
              entry.currency,
            )}
          </span>
        </p>
        <p className="flex items-baseline justify-between gap-2 text-[13px] text-ink-3">
          <span className="truncate">
            {[look.word, headline === entry.customer ? null : entry.customer, store && storeLabel(store)]
              .filter(Boolean)
              .join(' · ')}
          </span>
          <time dateTime={entry.at} title={exact.format(new Date(entry.at))} className="shrink-0 figures">
            {elapsed(entry.at, now, pageLocale())}
          </time>
        </p>
      </div>
    </li>
  )
}

/** Whose entry of the ledger a line of the feed is: its id begins with the order's. */
export function orderOf(entry: Pick<FeedEntry, 'kind' | 'id'>): string | null {
  return entry.kind.startsWith('checkout') ? null : (/^\d+(?=:)/.exec(entry.id)?.[0] ?? null)
}

async function recentEntries(question: Pick<Question, 'store'>, signal: AbortSignal): Promise<FeedEntry[]> {
  const [orders, checkouts] = await Promise.all([
    api.orders(question, null, BEFORE, signal),
    api.checkouts(question, null, null, BEFORE, signal),
  ])
  return [...fromOrders(orders), ...fromCheckouts(checkouts)]
}

/** The ids are those that the stream gives the same things, so that each is listed once. */
function fromOrders({ orders, currency }: Orders): FeedEntry[] {
  return orders
    .filter((order) => !order.test)
    .map((order) => ({
      kind: 'order',
      id: `${order.id}:placement`,
      title: order.name ?? '',
      customer: order.customer_name || order.email,
      amount: order.total_price,
      currency,
      at: order.processed_at,
      store: order.store,
      fresh: false,
    }))
}

function fromCheckouts({ checkouts }: Checkouts): FeedEntry[] {
  return checkouts.flatMap((checkout) => {
    const about = {
      title: 'Checkout',
      customer: checkout.customer_name || checkout.email,
      amount: checkout.total,
      currency: checkout.currency,
      store: checkout.store,
      fresh: false,
    }
    const entries: FeedEntry[] = []
    if (checkout.abandoned_at) {
      entries.push({
        ...about,
        id: `${checkout.token}:abandoned`,
        kind: 'checkout_abandoned',
        at: checkout.abandoned_at,
      })
    }
    if (checkout.recovered_at) {
      entries.push({
        ...about,
        id: `${checkout.token}:recovered`,
        kind: 'checkout_recovered',
        at: checkout.recovered_at,
      })
    }
    return entries
  })
}
