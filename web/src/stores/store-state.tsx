import { Check, TriangleAlert, X } from 'lucide-react'
import type { Store } from '../api/shapes.ts'
import { linkButton } from '../ui/button.tsx'
import { classes } from '../ui/classes.ts'
import { scopeLabel } from './scopes.ts'
import { approvalAddress, reconnectCall } from './status.ts'

/** What there is to say of a store's connection beyond its badge: only what is not as it should be stands open. */
export function StoreState({ store, owner }: { store: Store; owner: boolean }) {
  const call = reconnectCall(store)
  const others = store.warnings.filter((warning) => warning.code !== call?.code)
  return (
    <>
      {call && (
        <div
          data-testid="store-warning"
          data-code={call.code}
          className={classes(
            'mt-3 flex flex-wrap items-center justify-between gap-x-6 gap-y-2.5 rounded-lg px-3.5 py-3 text-[13px]',
            store.status === 'uninstalled' ? 'bg-bad-soft' : 'bg-warn-soft',
          )}
        >
          <p className="min-w-0 flex-1 basis-64">
            <span className="font-medium">{call.title}.</span> {call.detail}
          </p>
          {owner && <Reconnect store={store} />}
        </div>
      )}
      {others.length > 0 && (
        <ul className="mt-3 flex flex-col gap-2">
          {others.map((warning) => (
            <li
              key={`${warning.code} ${warning.detail}`}
              data-testid="store-warning"
              data-code={warning.code}
              className="flex gap-2.5 text-[13px]"
            >
              <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
              <p className="min-w-0">
                <span className="font-medium">{warning.title}.</span>{' '}
                <span className="text-ink-2">{warning.detail}</span>
              </p>
            </li>
          ))}
        </ul>
      )}
      <Scopes store={store} />
    </>
  )
}

/** Goes to Shopify, to be approved once more; a link, since it leaves the page. */
export function Reconnect({ store }: { store: Store }) {
  return (
    <a
      href={approvalAddress(store.domain, store.app ? { app: store.app } : {})}
      className={linkButton('primary')}
    >
      Reconnect
    </a>
  )
}

function Scopes({ store }: { store: Store }) {
  const { granted_scopes: granted, missing_scopes: missing } = store
  // What an app that is gone was granted is worth nothing.
  if (store.status === 'uninstalled' || granted.length + missing.length === 0) return null
  return (
    <details className="mt-2.5 text-[13px]" open={missing.length > 0}>
      <summary className="w-fit rounded text-ink-3 hover:text-ink">
        {missing.length > 0
          ? `Access: ${missing.length} of ${granted.length + missing.length} missing`
          : `Access to ${granted.length} ${granted.length === 1 ? 'kind' : 'kinds'} of data`}
      </summary>
      <ul className="mt-2 flex flex-wrap gap-1.5">
        {missing.map((scope) => (
          <Scope key={scope} scope={scope} missing />
        ))}
        {granted.map((scope) => (
          <Scope key={scope} scope={scope} />
        ))}
      </ul>
    </details>
  )
}

function Scope({ scope, missing = false }: { scope: string; missing?: boolean }) {
  const Icon = missing ? X : Check
  return (
    <li
      title={scope}
      className={classes(
        'flex items-center gap-1 rounded-md px-1.5 py-0.5',
        missing ? 'bg-warn-soft text-warn' : 'bg-sunken text-ink-2',
      )}
    >
      <Icon aria-hidden className="size-3.5" />
      <span className="sr-only">{missing ? 'Missing: ' : 'Granted: '}</span>
      {scopeLabel(scope)}
    </li>
  )
}
