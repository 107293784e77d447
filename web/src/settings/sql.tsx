import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Database, Plus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { MadeSqlLogin, SqlLogin, SqlLogins } from '../api/shapes.ts'
import { shortDate } from '../domain/moments.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Copyable } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Notice } from '../ui/notice.tsx'
import { ShownOnce } from '../ui/once.tsx'
import { Row, Rows, RowsLoading } from '../ui/rows.tsx'
import { Alert, Empty, Failed } from '../ui/states.tsx'
import { psqlCommand } from './psql.ts'

/** What a login sees, by what a row of it is. */
const views = [
  ['orders', 'One row per order, as the shop has it now.'],
  ['order_lines', 'One row per line of an order.'],
  ['customers', 'One row per customer.'],
  ['checkouts', 'One row per checkout whose shopper is known.'],
  ['products', 'One row per product.'],
  ['daily_sales', 'One row per store and day: the same figures as the dashboard’s.'],
  ['sales_breakdown', 'One row per day and channel, country, discount code, product …: its sales.'],
  ['cohorts', 'One row per month of first order and month since: who came back, and what they spent.'],
] as const

const EXAMPLE = `SELECT day, orders, total_sales
FROM merchant.daily_sales
ORDER BY day DESC
LIMIT 30;`

export function SqlAccess() {
  const logins = useQuery({
    queryKey: ['sql-logins'],
    queryFn: ({ signal }) => account.sqlLogins(signal),
    staleTime: 0,
  })
  return (
    <>
      <Logins list={logins} />
      <HowTo login={logins.data?.logins[0]} />
      <Views />
    </>
  )
}

function Logins({ list }: { list: ReturnType<typeof useQuery<SqlLogins>> }) {
  const client = useQueryClient()
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<SqlLogin | null>(null)
  const again = () => client.invalidateQueries({ queryKey: ['sql-logins'] })
  return (
    <Card
      title="Logins"
      aside={
        <Button look="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setMaking(true)}>
          New login
        </Button>
      }
    >
      {list.isError ? (
        <Failed what="SQL logins" error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <RowsLoading count={1} />
      ) : list.data.logins.length === 0 ? (
        <Empty icon={<Database aria-hidden className="size-5" />} title="No logins yet">
          A login reads your stores’ rows and nothing else: PostgreSQL itself refuses the rest.
        </Empty>
      ) : (
        <Rows label="SQL logins">
          {list.data.logins.map((login) => (
            <Row
              key={login.id}
              testId="sql-login"
              title={login.name}
              facts={[
                <code key="username" className="font-mono break-all">
                  {login.username}
                </code>,
                `since ${shortDate(login.created_at)}`,
              ]}
              actions={<Button onClick={() => setRevoking(login)}>Revoke</Button>}
            />
          ))}
        </Rows>
      )}
      {making && <MakeLogin onMade={again} onClose={() => setMaking(false)} />}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          action="Revoke login"
          keep="Keep it"
          run={() => account.revokeSqlLogin(revoking.id)}
          onDone={again}
          onClose={() => setRevoking(null)}
        >
          Its connections are ended now, in the middle of whatever they ask, and it cannot sign in again.
        </Confirm>
      )}
    </Card>
  )
}

function MakeLogin({ onMade, onClose }: { onMade: () => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState('')
  const make = useMutation({ mutationFn: () => account.makeSqlLogin(name.trim()), onSuccess: onMade })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  if (make.data) return <Made login={make.data} onClose={onClose} />
  const fault = faultOf(make.error, 'name')
  return (
    <Dialog title="New SQL login" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {make.isError && !fault && <Alert>{sentenceOf(make.error)}</Alert>}
        <Field
          label="Name"
          name="name"
          required
          maxLength={100}
          autoComplete="off"
          placeholder="Metabase"
          value={name}
          error={fault}
          hint="What will sign in with it."
          onChange={(event) => setName(event.target.value)}
        />
        <div className="mt-1 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={make.isPending}>
            Make login
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Made({ login, onClose }: { login: MadeSqlLogin; onClose: () => void }) {
  const values = [
    { label: 'the password', value: login.password },
    { label: 'the connection URL', value: login.url },
    { label: 'the psql command', value: psqlCommand(login) },
  ]
  return (
    <ShownOnce title={`The login “${login.name}”`} values={values} onClose={onClose}>
      The URL holds the password; the command asks for it.
    </ShownOnce>
  )
}

function HowTo({ login }: { login: SqlLogin | undefined }) {
  return (
    <Card title="How to connect">
      <div className="flex flex-col gap-5 px-5 pt-1 pb-5">
        {login ? (
          <>
            {login.local && (
              <Notice tone="info" title="Reached from the server itself only">
                Whoever runs this server has opened no port for SQL. Until then these work in a shell there;
                Metabase on another machine does not.
              </Notice>
            )}
            <div>
              <h3 className="mb-1.5 font-medium">psql</h3>
              <Copyable value={psqlCommand(login)} label="the psql command" />
            </div>
            <div>
              <h3 className="mb-1.5 font-medium">Metabase</h3>
              <p className="mb-2 text-[13px] text-ink-3">
                Admin → Databases → Add database → PostgreSQL. Under “Schemas”, only{' '}
                <code className="font-mono">merchant</code>.
              </p>
              <dl className="grid gap-x-6 text-[13px] sm:grid-cols-2">
                {(
                  [
                    ['Host', login.host],
                    ['Port', String(login.port)],
                    ['Database name', login.database],
                    ['Username', login.username],
                  ] as const
                ).map(([label, value]) => (
                  <div key={label} className="flex justify-between gap-4 border-t border-line py-1.5">
                    <dt className="text-ink-3">{label}</dt>
                    <dd className="min-w-0 font-mono break-all">{value}</dd>
                  </div>
                ))}
              </dl>
            </div>
          </>
        ) : (
          <p className="text-[13px] text-ink-3">
            Make a login; its psql command and what to enter in Metabase then stand here.
          </p>
        )}
        <div>
          <h3 className="mb-1.5 font-medium">A first question</h3>
          <pre className="overflow-x-auto rounded-lg border border-line bg-sunken px-3 py-2.5 font-mono text-[13px] leading-relaxed">
            {EXAMPLE}
          </pre>
        </div>
        <p className="text-[13px] text-ink-3">
          Reading only. A statement may take 30 seconds, and a login may hold 4 connections at a time.
        </p>
      </div>
    </Card>
  )
}

function Views() {
  return (
    <Card title="Views">
      <p className="px-5 pb-3 text-[13px] text-ink-3">
        In the schema <code className="font-mono">merchant</code>. Amounts are in the store’s currency; every
        column says what it is: <code className="font-mono">\d+ merchant.orders</code>.
      </p>
      <Rows label="Views">
        {views.map(([name, about]) => (
          <li key={name} className="flex flex-wrap gap-x-4 border-line px-5 py-2.5 not-first:border-t">
            <code className="w-28 shrink-0 font-mono text-[13px] font-medium">{name}</code>
            <span className="text-[13px] text-ink-2">{about}</span>
          </li>
        ))}
      </Rows>
    </Card>
  )
}
