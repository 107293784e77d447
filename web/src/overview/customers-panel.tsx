import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Users } from 'lucide-react'
import { api, type Question } from '../api/client.ts'
import type { TopCustomer } from '../api/shapes.ts'
import { elapsed } from '../domain/elapsed.ts'
import { formatCount, formatMoney, pageLocale } from '../domain/money.ts'
import { useNow } from '../ui/clock.ts'
import { Card } from '../ui/card.tsx'
import { Export } from '../ui/export.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'

const ROWS = 8

export function CustomersPanel({ question, unfiltered }: { question: Question; unfiltered: boolean }) {
  // Lifetime value is the same for every range: only the store matters to the key.
  const { data, error, isError, refetch } = useQuery({
    queryKey: ['customers', question.store],
    queryFn: ({ signal }) => api.topCustomers(question, ROWS, signal),
    placeholderData: keepPreviousData,
  })
  return (
    <Card
      title="Top customers"
      aside={
        <div className="flex items-center gap-1">
          <span className="text-[13px] text-ink-3">
            {unfiltered ? 'not filtered, by lifetime value' : 'by lifetime value'}
          </span>
          <Export
            what="the customers by lifetime value"
            path="/api/analytics/top-customers"
            query={{ store: question.store }}
          />
        </div>
      }
    >
      {isError && !data ? (
        <Failed what="Top customers" error={error} onRetry={() => void refetch()} />
      ) : data && data.customers.length === 0 ? (
        <Empty icon={<Users aria-hidden className="size-5" />} title="No customers yet">
          Whoever orders first stands here first.
        </Empty>
      ) : (
        <table className="mb-2 w-full table-fixed figures">
          <thead className="text-[13px] text-ink-3">
            <tr>
              <th scope="col" className="py-1 pl-5 text-left font-medium">
                Customer
              </th>
              <th scope="col" className="w-16 py-1 text-right font-medium">
                Orders
              </th>
              <th scope="col" className="w-20 py-1 text-right font-medium max-sm:hidden">
                Last
              </th>
              <th scope="col" className="w-32 py-1 pr-5 text-right font-medium">
                Total spent
              </th>
            </tr>
          </thead>
          <tbody>
            {data
              ? data.customers.map((customer) => (
                  <CustomerRow key={customer.id} customer={customer} currency={data.currency} />
                ))
              : Array.from({ length: ROWS }, (_, index) => <LoadingRow key={index} />)}
          </tbody>
        </table>
      )}
    </Card>
  )
}

function CustomerRow({ customer, currency }: { customer: TopCustomer; currency: string }) {
  const now = useNow(60_000)
  const name = customer.name || customer.email || 'No name'
  return (
    <tr className="hover:bg-sunken/60">
      <th
        scope="row"
        className="truncate py-[7px] pr-2 pl-5 text-left font-normal"
        title={customer.email ?? undefined}
      >
        {name}
        {customer.name && customer.email && (
          <span className="ml-2 text-[13px] text-ink-3 max-md:hidden">{customer.email}</span>
        )}
      </th>
      <td className="py-[7px] text-right text-ink-2">{formatCount(customer.orders)}</td>
      <td className="py-[7px] text-right text-ink-3 max-sm:hidden">
        {customer.last_order_at ? elapsed(customer.last_order_at, now, pageLocale()) : '–'}
      </td>
      <td className="py-[7px] pr-5 text-right font-medium">{formatMoney(customer.total_spent, currency)}</td>
    </tr>
  )
}

function LoadingRow() {
  return (
    <tr>
      <td colSpan={4} className="px-5 py-[7px]">
        <Skeleton className="h-5" />
      </td>
    </tr>
  )
}
