/** Going from one account to another, for people who belong to several. */

import { useMutation } from '@tanstack/react-query'
import { Building2, Check, ChevronsUpDown } from 'lucide-react'
import { session } from '../api/client.ts'
import { sentenceOf } from '../api/problem.ts'
import type { Session } from '../api/shapes.ts'
import { roleLabel } from '../domain/roles.ts'
import { classes } from '../ui/classes.ts'
import { go } from '../ui/location.tsx'
import { Popover } from '../ui/popover.tsx'
import { Alert } from '../ui/states.tsx'

/** In the shell's header; nothing for those who belong to one account. */
export function AccountSwitcher({ session: current }: { session: Session }) {
  if (current.tenants.length < 2) return null
  return (
    <Popover
      label="Accounts"
      align="end"
      className="w-72 p-1.5"
      buttonProps={{
        'aria-label': `Account: ${current.tenant.name}. Switch`,
        className:
          'inline-flex h-8 max-w-48 items-center gap-1.5 rounded-lg px-2 text-[13px] font-medium text-ink-2 transition-colors hover:bg-sunken hover:text-ink max-lg:hidden',
      }}
      button={
        <>
          <Building2 aria-hidden className="size-4 shrink-0 text-ink-3" />
          <span className="truncate">{current.tenant.name}</span>
          <ChevronsUpDown aria-hidden className="size-3.5 shrink-0 text-ink-3" />
        </>
      }
    >
      {(close) => <Accounts session={current} onDone={close} />}
    </Popover>
  )
}

export function Accounts({ session: current, onDone }: { session: Session; onDone: () => void }) {
  const move = useMutation({
    mutationFn: (tenant: string) => session.switchTo(tenant),
    onSuccess: () => {
      onDone()
      // Nothing in the address of one account means anything in another.
      go('/')
    },
  })
  return (
    <>
      <p className="px-2.5 pt-1 pb-1.5 text-xs text-ink-3">Accounts</p>
      {move.isError && <Alert>{sentenceOf(move.error)}</Alert>}
      <ul className="max-h-72 overflow-y-auto">
        {current.tenants.map((tenant) => {
          const here = tenant.id === current.tenant.id
          return (
            <li key={tenant.id}>
              <button
                type="button"
                aria-current={here || undefined}
                disabled={move.isPending}
                onClick={() => (here ? onDone() : move.mutate(tenant.id))}
                className={classes(
                  'flex w-full items-center justify-between gap-3 rounded-lg px-2.5 py-1.5 text-left transition-colors hover:bg-sunken disabled:opacity-60',
                  here && 'font-medium',
                )}
              >
                <span className="min-w-0">
                  <span className="block truncate">{tenant.name}</span>
                  <span className="block text-xs font-normal text-ink-3">{roleLabel(tenant.role)}</span>
                </span>
                {here && <Check aria-hidden className="size-4 shrink-0 text-accent" />}
              </button>
            </li>
          )
        })}
      </ul>
    </>
  )
}
