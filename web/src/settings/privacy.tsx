import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { account, privacyFile } from '../api/account.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { PrivacyRequest, TenantChanges, TenantSettings } from '../api/shapes.ts'
import { pageLocale } from '../domain/money.ts'
import { dateTime } from '../domain/moments.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { useNow } from '../ui/clock.ts'
import { Download } from '../ui/download.tsx'
import { Field } from '../ui/field.tsx'
import { Row, Rows, RowsLoading } from '../ui/rows.tsx'
import { Saved } from '../ui/saved.tsx'
import { Alert, Empty, Failed, Skeleton } from '../ui/states.tsx'
import { countWords, hasFile, kindWords, standing } from './requests.ts'

export function Privacy() {
  return (
    <>
      <Requests />
      <Retention />
    </>
  )
}

function Requests() {
  const list = useQuery({
    queryKey: ['privacy-requests'],
    queryFn: ({ signal }) => account.privacyRequests(signal),
    staleTime: 0,
  })
  return (
    <Card title="Requests">
      {list.isError ? (
        <Failed what="Privacy requests" error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <RowsLoading />
      ) : list.data.length === 0 ? (
        <Empty icon={<ShieldCheck aria-hidden className="size-5" />} title="No requests so far">
          When a shopper asks a store for their data, or to be erased, Shopify tells Tillstream. It is done by
          itself, in time, and the receipt stands here.
        </Empty>
      ) : (
        <Rows label="Privacy requests">
          {list.data.map((request) => (
            <RequestRow key={request.id} request={request} />
          ))}
        </Rows>
      )}
    </Card>
  )
}

function RequestRow({ request }: { request: PrivacyRequest }) {
  const now = useNow(60_000)
  const kind = kindWords(request.kind)
  const { word, tone, detail } = standing(request, now)
  const { receipt } = request
  return (
    <Row
      testId="privacy-request"
      title={kind.word}
      badges={<Badge tone={tone}>{word}</Badge>}
      facts={[
        request.store,
        request.customer && `customer ${request.customer}`,
        `received ${dateTime(request.received_at)}`,
        detail,
      ]}
      actions={
        <>
          {hasFile(request) && (
            <Download path={privacyFile(request.id, 'file')} name={`customer-data-${request.id}.json`}>
              Data
            </Download>
          )}
          {receipt && (
            <Download path={privacyFile(request.id, 'receipt')} name={`receipt-${request.id}.json`}>
              Receipt
            </Download>
          )}
        </>
      }
    >
      <p className={classes('mt-1 max-w-prose text-[13px]', request.problem ? 'text-bad' : 'text-ink-2')}>
        {request.problem ?? receipt?.done ?? kind.about}
        {receipt && countWords(receipt.counts, pageLocale()) && (
          <span className="text-ink-3"> {countWords(receipt.counts, pageLocale())}.</span>
        )}
      </p>
    </Row>
  )
}

function Retention() {
  const tenant = useQuery({ queryKey: ['tenant'], queryFn: ({ signal }) => account.tenant(signal) })
  return (
    <Card title="How long data is kept">
      {tenant.isError ? (
        <Failed what="The settings" error={tenant.error} onRetry={() => void tenant.refetch()} />
      ) : tenant.data ? (
        <RetentionForm tenant={tenant.data} />
      ) : (
        <div className="px-5 pt-2 pb-5">
          <Skeleton className="h-10" />
        </div>
      )}
    </Card>
  )
}

function shown(days: number | null): string {
  return days === null ? '' : String(days)
}

/** Null for empty: the server's own number then holds. Undefined for what is no number of days. */
export function daysOf(text: string): number | null | undefined {
  if (text.trim() === '') return null
  const days = Number(text)
  return Number.isInteger(days) && days >= 0 ? days : undefined
}

function RetentionForm({ tenant }: { tenant: TenantSettings }) {
  const client = useQueryClient()
  const [details, setDetails] = useState(shown(tenant.retention_days))
  const [erase, setErase] = useState(shown(tenant.erase_after_days))
  const [fault, setFault] = useState(false)
  const save = useMutation({
    mutationFn: (change: TenantChanges) => account.changeTenant(change),
    onSuccess: (saved) => client.setQueryData(['tenant'], saved),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const retention = daysOf(details)
    const after = daysOf(erase)
    setFault(retention === undefined || after === undefined)
    if (retention === undefined || after === undefined) return
    save.mutate({ retention_days: retention, erase_after_days: after })
  }
  const retentionFault = faultOf(save.error, 'retention_days')
  const eraseFault = faultOf(save.error, 'erase_after_days')
  const unchanged = details === shown(tenant.retention_days) && erase === shown(tenant.erase_after_days)
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4 px-5 pt-2 pb-5">
      {fault && <Alert>A whole number of days, or nothing for this server’s own.</Alert>}
      {save.isError && !retentionFault && !eraseFault && <Alert>{sentenceOf(save.error)}</Alert>}
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Received webhooks, in days"
          type="number"
          min={1}
          step={1}
          value={details}
          error={retentionFault}
          placeholder="This server’s own"
          hint="As Shopify sent them, for rebuilding figures. The figures themselves stay."
          onChange={(event) => setDetails(event.target.value)}
        />
        <Field
          label="A store after it was uninstalled, in days"
          type="number"
          min={0}
          step={1}
          value={erase}
          error={eraseFault}
          placeholder="This server’s own"
          hint="Then everything of the store is erased, unless it was connected again."
          onChange={(event) => setErase(event.target.value)}
        />
      </div>
      <div className="flex items-center justify-end gap-3">
        {save.isSuccess && unchanged && <Saved />}
        <Button type="submit" busy={save.isPending} disabled={unchanged}>
          Save
        </Button>
      </div>
    </form>
  )
}
