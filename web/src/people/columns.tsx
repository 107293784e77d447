import type { TopCustomer } from '../api/shapes.ts'
import { shortDate } from '../domain/moments.ts'
import { formatCount, formatMoney, pageLocale } from '../domain/money.ts'
import type { Column } from '../ui/table.tsx'

/** What every list of customers tells of them. */
export function customerColumns<Row extends TopCustomer>(
  currency: string,
  timezone: string | undefined,
): readonly Column<Row>[] {
  const day = (iso: string | null) => (iso ? shortDate(iso, pageLocale(), timezone) : '–')
  return [
    { id: 'customer', head: 'Customer', cell: (row) => <Who customer={row} /> },
    { id: 'orders', head: 'Orders', width: 'w-20', cell: (row) => formatCount(row.orders) },
    {
      id: 'first',
      head: 'First order',
      width: 'w-32',
      hide: 'lg',
      quiet: true,
      cell: (row) => day(row.first_order_at),
    },
    {
      id: 'last',
      head: 'Last order',
      width: 'w-32',
      hide: 'md',
      quiet: true,
      cell: (row) => day(row.last_order_at),
    },
    {
      id: 'spent',
      head: 'Total spent',
      width: 'w-32',
      cell: (row) => <span className="font-medium">{formatMoney(row.total_spent, currency)}</span>,
    },
  ]
}

function Who({ customer }: { customer: TopCustomer }) {
  const name = customer.name || customer.email || 'No name'
  return (
    <>
      <span title={customer.email ?? undefined}>{name}</span>
      {customer.name && customer.email && (
        <span className="ml-2 text-[13px] text-ink-3 max-md:hidden">{customer.email}</span>
      )}
    </>
  )
}
