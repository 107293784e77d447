import { useState, type FormEvent } from 'react'
import { pageLocale } from '../domain/money.ts'
import { Button } from '../ui/button.tsx'
import { inputLook } from '../ui/field.tsx'
import { setSearch, usePlace } from '../ui/location.tsx'
import { Notice } from '../ui/notice.tsx'
import { permanentDomain } from './domain.ts'
import { refusedIn } from './refused.ts'
import { approvalAddress } from './status.ts'

function dismiss(): void {
  setSearch({ refused: null, shop: null, missing: null }, 'replace')
}

/** Stands over the page that Shopify's answer ended on, until it is dismissed. */
export function RefusedNotice() {
  const { search } = usePlace()
  const refused = refusedIn(search, pageLocale())
  if (!refused) return null
  const shop = permanentDomain(search.get('shop') ?? '')

  return (
    <Notice
      tone="bad"
      testId="refused"
      className="mb-5"
      title={shop ? `${shop}: ${lowerFirst(refused.title)}` : refused.title}
      onDismiss={dismiss}
      actions={
        refused.retry &&
        shop && <Button onClick={() => location.assign(approvalAddress(shop))}>Try again</Button>
      }
    >
      <p>{refused.detail}</p>
      {refused.transfer && shop && <TransferCode shop={shop} />}
    </Notice>
  )
}

function TransferCode({ shop }: { shop: string }) {
  const [code, setCode] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    location.assign(approvalAddress(shop, { transfer: code.trim() }))
  }
  return (
    <form onSubmit={submit} className="mt-2.5 flex max-w-md gap-2 text-ink">
      <input
        aria-label="Transfer code"
        placeholder="Transfer code"
        required
        autoComplete="off"
        spellCheck={false}
        value={code}
        onChange={(event) => setCode(event.target.value)}
        className={`${inputLook} h-9 border-line`}
      />
      <Button type="submit">Connect</Button>
    </form>
  )
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) && !text.startsWith('Shopify')
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : text
}
