import type { ReactNode } from 'react'
import type { OneOrder, OrderCheckout } from '../api/shapes.ts'
import { valueNote, valueWords } from '../domain/dimensions.ts'
import { dateTime, shortDate } from '../domain/moments.ts'
import { formatCount, formatMoney, pageLocale } from '../domain/money.ts'
import { paymentWords } from '../domain/orders.ts'
import { StageBadge } from '../overview/stage.tsx'
import { Badge } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'

interface FactsProps {
  order: OneOrder
}

/** Who ordered, and what they come to by now. */
export function CustomerCard({ order }: FactsProps) {
  const { customer } = order
  const name = customer?.name || order.customer_name
  const email = customer?.email ?? order.email
  const day = (iso: string | null | undefined) => (iso ? shortDate(iso, pageLocale(), order.timezone) : null)
  return (
    <Card title="Customer">
      <div className="px-5 pb-4">
        <p className="truncate font-medium">{name || email || 'Nobody was named'}</p>
        {name && email && <p className="truncate text-[13px] text-ink-3">{email}</p>}
        {customer && (
          <Facts>
            <Fact name="Orders">{formatCount(customer.orders)}</Fact>
            <Fact name="Total spent">{formatMoney(customer.total_spent, order.currency)}</Fact>
            <Fact name="First order">{day(customer.first_order_at)}</Fact>
            <Fact name="Last order">{day(customer.last_order_at)}</Fact>
          </Facts>
        )}
      </div>
    </Card>
  )
}

/** The checkout that the order completed, or one that it may stand for. */
export function CheckoutCard({ order }: FactsProps) {
  const { checkout, inferred_checkout: inferred } = order
  return (
    <Card title="Checkout">
      <div className="flex flex-col gap-3 px-5 pb-4">
        {checkout && <CheckoutFacts checkout={checkout} order={order} />}
        {inferred && (
          <div>
            <p className="text-[13px] text-ink-2">
              The same customer had left another checkout. This order may stand for it, which is counted apart
              and never in the recovery rate.
            </p>
            <CheckoutFacts checkout={inferred} order={order} />
          </div>
        )}
        {!checkout && !inferred && (
          <p className="text-[13px] text-ink-3">No checkout that is known led to it.</p>
        )}
      </div>
    </Card>
  )
}

function CheckoutFacts({ checkout, order }: { checkout: OrderCheckout; order: OneOrder }) {
  const at = (iso: string | null) => (iso ? dateTime(iso, pageLocale(), order.timezone) : null)
  return (
    <div>
      <StageBadge stage={checkout.stage} />
      <Facts>
        <Fact name="Started">{at(checkout.started_at)}</Fact>
        <Fact name="Abandoned">{at(checkout.abandoned_at)}</Fact>
        <Fact name="Recovered">{at(checkout.recovered_at)}</Fact>
        <Fact name="Completed">{checkout.recovered_at ? null : at(checkout.completed_at)}</Fact>
        <Fact name="Value">{formatMoney(checkout.total, order.currency)}</Fact>
      </Facts>
    </div>
  )
}

export function ParcelsCard({ order }: FactsProps) {
  return (
    <Card title="Parcels">
      {order.fulfillments.length === 0 ? (
        <p className="px-5 pb-4 text-[13px] text-ink-3">
          {order.fulfilled_at
            ? `First sent ${dateTime(order.fulfilled_at, pageLocale(), order.timezone)}. No delivery told of the parcel itself.`
            : 'Nothing was sent yet.'}
        </p>
      ) : (
        <ul className="pb-2">
          {order.fulfillments.map((parcel) => (
            <li key={parcel.id} className="border-line px-5 py-2 not-first:border-t">
              <p className="flex items-center justify-between gap-2">
                <span className="truncate font-medium figures">{parcel.name ?? `Parcel ${parcel.id}`}</span>
                <Badge>{paymentWords(parcel.shipment_status ?? parcel.status)?.text ?? 'Not known'}</Badge>
              </p>
              {parcel.created_at && (
                <p className="text-[13px] text-ink-3 figures">
                  {dateTime(parcel.created_at, pageLocale(), order.timezone)}
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

/** Where the order came from. */
export function SourceCard({ order }: FactsProps) {
  const { channel } = order
  const country = order.country && valueWords('country', order.country, null)
  return (
    <Card title="Where it came from">
      <div className="px-5 pb-4">
        <Facts>
          <Fact name="Channel">
            {channel && (
              <span title={valueNote('channel', channel) ?? undefined}>
                {valueWords('channel', channel, null)}
              </span>
            )}
          </Fact>
          <Fact name="Country">{[country, order.region].filter(Boolean).join(', ')}</Fact>
          <Fact name="Referrer">{order.referrer}</Fact>
          <Fact name="Landing page">{order.landing}</Fact>
          <Fact name="Codes">{order.discount_codes.join(', ')}</Fact>
        </Facts>
      </div>
    </Card>
  )
}

function Facts({ children }: { children: ReactNode }) {
  return <dl className="mt-1.5 flex flex-col gap-1 text-[13px] figures">{children}</dl>
}

/** A fact that is not known is left out. */
function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null
  return (
    <div className="flex justify-between gap-4">
      <dt className="shrink-0 text-ink-3">{name}</dt>
      <dd className="min-w-0 text-right break-words">{children}</dd>
    </div>
  )
}
