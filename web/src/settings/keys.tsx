import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { account } from '../api/account.ts'
import { faultOf, sentenceOf } from '../api/problem.ts'
import type { ApiKey, KeyScope } from '../api/shapes.ts'
import { distance, isPast, shortDate } from '../domain/moments.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { useNow } from '../ui/clock.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { ShownOnce } from '../ui/once.tsx'
import { Row, Rows, RowsLoading } from '../ui/rows.tsx'
import { Select } from '../ui/select.tsx'
import { Alert, Empty, Failed } from '../ui/states.tsx'

const scopes: readonly { value: KeyScope; label: string; may: string }[] = [
  { value: 'analytics', label: 'Analytics', may: 'Figures, orders, customers, products' },
  { value: 'live', label: 'Live', may: 'The stream of changes as they happen' },
  { value: 'stores', label: 'Stores', may: 'The list of stores, and how they are connected' },
  { value: 'exports', label: 'Exports', may: 'Take data out as files' },
]

const lives = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
] as const

/** A key this close to its end is pointed out. */
const SOON_MS = 7 * 86_400_000

export function ApiKeys() {
  const client = useQueryClient()
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<ApiKey | null>(null)
  const keys = useQuery({
    queryKey: ['keys'],
    queryFn: ({ signal }) => account.keys(signal),
    staleTime: 0,
  })
  const again = () => client.invalidateQueries({ queryKey: ['keys'] })

  return (
    <>
      <Card
        title="Keys"
        aside={
          <Button
            look="primary"
            icon={<Plus aria-hidden className="size-4" />}
            onClick={() => setMaking(true)}
          >
            New key
          </Button>
        }
      >
        {keys.isError ? (
          <Failed what="API keys" error={keys.error} onRetry={() => void keys.refetch()} />
        ) : !keys.data ? (
          <RowsLoading />
        ) : keys.data.length === 0 ? (
          <Empty icon={<KeyRound aria-hidden className="size-5" />} title="No keys yet">
            Make one for each program, so that you can end one without stopping the others.
          </Empty>
        ) : (
          <Rows label="API keys">
            {keys.data.map((key) => (
              <KeyRow key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
            ))}
          </Rows>
        )}
      </Card>
      <p className="px-1 text-[13px] text-ink-3">
        Sent as <code className="font-mono">Authorization: Bearer ts_…</code>. The calls are described at{' '}
        <a href="/api/openapi.json" className="text-accent underline underline-offset-2">
          /api/openapi.json
        </a>
        .
      </p>
      {making && <MakeKey onMade={again} onClose={() => setMaking(false)} />}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          action="Revoke key"
          keep="Keep it"
          run={() => account.revokeKey(revoking.id)}
          onDone={again}
          onClose={() => setRevoking(null)}
        >
          Whatever uses it is refused from now on. A revoked key cannot be brought back.
        </Confirm>
      )}
    </>
  )
}

function KeyRow({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) {
  const now = useNow(60_000)
  const { expires_at: end } = apiKey
  const expired = isPast(end, now)
  const soon = !expired && Date.parse(end) - now < SOON_MS
  return (
    <Row
      testId="api-key"
      title={apiKey.name}
      badges={
        <>
          {expired && <Badge tone="bad">Expired</Badge>}
          {soon && <Badge tone="warn">Ends soon</Badge>}
          {apiKey.scopes.map((scope) => (
            <Badge key={scope}>{scopes.find((each) => each.value === scope)?.label ?? scope}</Badge>
          ))}
        </>
      }
      facts={[
        <code key="prefix" className="font-mono">
          {apiKey.prefix}…
        </code>,
        apiKey.last_used_at ? `used ${distance(apiKey.last_used_at, now)}` : 'never used',
        `${expired ? 'ended' : 'ends'} ${shortDate(end)}`,
      ]}
      actions={<Button onClick={onRevoke}>Revoke</Button>}
    />
  )
}

function MakeKey({ onMade, onClose }: { onMade: () => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<KeyScope>>(new Set<KeyScope>(['analytics']))
  const [days, setDays] = useState<string>('90')
  const [scopeFault, setScopeFault] = useState<string | null>(null)
  const make = useMutation({
    mutationFn: () =>
      account.makeKey({ name: name.trim(), scopes: [...chosen], expires_in_days: Number(days) }),
    onSuccess: onMade,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (chosen.size === 0) setScopeFault('Choose at least one: a key without scopes can do nothing.')
    else make.mutate()
  }
  const toggle = (scope: KeyScope) => {
    const next = new Set(chosen)
    if (!next.delete(scope)) next.add(scope)
    setChosen(next)
    setScopeFault(null)
  }
  if (make.data) {
    return (
      <ShownOnce
        title={`The key “${make.data.name}”`}
        values={[{ label: 'the key', value: make.data.key }]}
        onClose={onClose}
      >
        Keep it where programs keep their secrets, not in their code. It ends on{' '}
        {shortDate(make.data.expires_at)}.
      </ShownOnce>
    )
  }
  const nameFault = faultOf(make.error, 'name')
  return (
    <Dialog title="New API key" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {make.isError && !nameFault && <Alert>{sentenceOf(make.error)}</Alert>}
        <Field
          label="Name"
          name="name"
          required
          maxLength={100}
          autoComplete="off"
          placeholder="Nightly report"
          value={name}
          error={nameFault}
          hint="The program that will use it."
          onChange={(event) => setName(event.target.value)}
        />
        <fieldset>
          <legend className="mb-1.5 font-medium">Scopes</legend>
          <ul className="rounded-lg border border-line">
            {scopes.map((scope) => (
              <li key={scope.value} className="border-line not-first:border-t">
                <div className="flex items-start gap-3 px-3 py-2 hover:bg-sunken">
                  <input
                    id={`scope-${scope.value}`}
                    type="checkbox"
                    name="scopes"
                    value={scope.value}
                    checked={chosen.has(scope.value)}
                    aria-describedby={`scope-${scope.value}-may`}
                    onChange={() => toggle(scope.value)}
                    className="mt-0.5 size-4 cursor-pointer accent-(--accent)"
                  />
                  <div className="min-w-0 flex-1">
                    <label htmlFor={`scope-${scope.value}`} className="block cursor-pointer font-medium">
                      {scope.label}
                    </label>
                    <p id={`scope-${scope.value}-may`} className="text-[13px] text-ink-3">
                      {scope.may}
                    </p>
                  </div>
                </div>
              </li>
            ))}
          </ul>
          {scopeFault && (
            <p role="alert" className="mt-1.5 text-[13px] text-bad">
              {scopeFault}
            </p>
          )}
        </fieldset>
        <Select
          label="Good for"
          options={lives}
          value={days}
          onChange={(event) => setDays(event.target.value)}
        />
        <div className="mt-1 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={make.isPending}>
            Make key
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
