import { ArrowRight } from 'lucide-react'
import { useEffect, useState, type FormEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { usePlace } from '../ui/location.tsx'
import { permanentDomain } from './domain.ts'
import { approvalAddress } from './status.ts'

export const NO_DOMAIN =
  'This is not a myshopify.com domain. You find it in the Shopify admin under Settings → Domains.'

/** Asks for the shop's domain, and goes to Shopify with it. */
export function ShopifyForm() {
  const { search } = usePlace()
  const [domain, setDomain] = useState(() => permanentDomain(search.get('shop') ?? '') ?? '')
  const [transferring, setTransferring] = useState(false)
  const [transfer, setTransfer] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const [leaving, setLeaving] = useState(false)

  // Whoever comes back from Shopify by the browser's own button finds the page as it was left.
  useEffect(() => {
    const back = () => setLeaving(false)
    addEventListener('pageshow', back)
    return () => removeEventListener('pageshow', back)
  }, [])

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const shop = permanentDomain(domain)
    if (!shop) {
      setFault(NO_DOMAIN)
      return
    }
    setLeaving(true)
    location.assign(approvalAddress(shop, { transfer: transfer.trim() }))
  }

  return (
    <form
      onSubmit={submit}
      noValidate
      className="flex flex-col gap-5 rounded-2xl border border-line bg-surface p-6 shadow-card"
    >
      <Field
        label="Store domain"
        name="shop"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        placeholder="your-store"
        suffix={domain.includes('.') ? '' : '.myshopify.com'}
        value={domain}
        error={fault}
        hint="The permanent one that ends in myshopify.com. The address of the store’s admin works too."
        data-testid="shopify-domain"
        onChange={(event) => {
          setDomain(event.target.value)
          setFault(null)
        }}
      />
      {transferring && (
        <Field
          label="Transfer code"
          optional
          name="transfer"
          autoComplete="off"
          spellCheck={false}
          value={transfer}
          hint="From the Tillstream account that has the store now: Stores → Transfer to another account."
          data-testid="transfer-code"
          onChange={(event) => setTransfer(event.target.value)}
        />
      )}
      <div className="flex flex-wrap-reverse items-center justify-between gap-3">
        {transferring ? (
          <span />
        ) : (
          <button
            type="button"
            className="rounded text-[13px] text-ink-3 underline-offset-2 hover:text-ink hover:underline"
            onClick={() => setTransferring(true)}
          >
            I have a transfer code
          </button>
        )}
        <Button
          type="submit"
          look="primary"
          busy={leaving}
          data-testid="shopify-connect"
          className="h-10 px-4 max-sm:w-full"
        >
          Connect with Shopify
          {!leaving && <ArrowRight aria-hidden className="size-4" />}
        </Button>
      </div>
    </form>
  )
}
