import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Truck } from 'lucide-react'
import { api, type Question } from '../api/client.ts'
import type { FulfillmentTimes } from '../api/shapes.ts'
import { formatCount, formatRate, pageLocale } from '../domain/money.ts'
import { hoursWords } from '../domain/orders.ts'
import { barWidth } from '../sales/sales-by.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'

/** How long orders of the range took until their first parcel was sent. */
export function SentPanel({ question, unfiltered }: { question: Question; unfiltered: boolean }) {
  const times = useQuery({
    queryKey: ['fulfillment', question],
    queryFn: ({ signal }) => api.fulfillmentTimes(question, signal),
    placeholderData: keepPreviousData,
  })
  const { data } = times
  return (
    <Card
      title="Time to send"
      aside={
        <Export what="the times by day" path="/api/analytics/fulfillment-times" query={{ ...question }} />
      }
    >
      {times.isError && !data ? (
        <Failed what="The times" error={times.error} onRetry={() => void times.refetch()} />
      ) : data?.fulfilled === 0 ? (
        <Empty icon={<Truck aria-hidden className="size-5" />} title="Nothing sent yet">
          {data.orders > 0
            ? 'None of the orders placed in this period has a parcel.'
            : 'No orders were placed in this period.'}
        </Empty>
      ) : (
        <div className={classes('px-5 pb-4 transition-opacity', times.isPlaceholderData && 'opacity-60')}>
          <Middle times={data} />
          <Shares times={data} />
          <p className="pt-3 text-[13px] text-ink-3">
            {data &&
              `${formatCount(data.fulfilled)} of ${formatCount(data.orders)} orders placed in this period were sent. `}
            From being placed to the first parcel; orders still waiting have no time yet.
            {unfiltered && ' Of all orders, whatever the filter.'}
          </p>
        </div>
      )}
    </Card>
  )
}

function Middle({ times }: { times: FulfillmentTimes | undefined }) {
  const parts = [
    { label: 'Half within', hours: times?.median_hours },
    { label: '9 of 10 within', hours: times?.p90_hours },
  ]
  return (
    <dl className="grid grid-cols-2 gap-4 pt-1 pb-3 figures">
      {parts.map(({ label, hours }) => (
        <div key={label}>
          <dt className="text-[13px] text-ink-3">{label}</dt>
          <dd className="text-lg font-semibold tracking-[-0.015em]">
            {hours === undefined ? <Skeleton className="my-1 h-5 w-20" /> : hoursWords(hours, pageLocale())}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Shares({ times }: { times: FulfillmentTimes | undefined }) {
  const shares = [
    { label: 'In 24 hours', share: times?.within_24_hours },
    { label: 'In 48 hours', share: times?.within_48_hours },
    { label: 'In 72 hours', share: times?.within_72_hours },
  ]
  return (
    <dl className="flex flex-col gap-2 border-t border-line pt-3 text-[13px] figures">
      {shares.map(({ label, share }) => (
        <div key={label} className="grid grid-cols-[5.5rem_1fr_3.5rem] items-center gap-2">
          <dt className="text-ink-2">{label}</dt>
          <dd aria-hidden className="h-1.5 overflow-hidden rounded-full bg-sunken">
            <span className="block h-full rounded-full bg-accent" style={{ width: barWidth(share ?? 0) }} />
          </dd>
          <dd className="text-right">{share === undefined ? '' : formatRate(share)}</dd>
        </div>
      ))}
    </dl>
  )
}
