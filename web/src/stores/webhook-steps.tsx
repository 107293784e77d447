import { CopyButton, Copyable } from '../ui/copy.tsx'
import { topics, webhookAddress } from './topics.ts'

/** What to enter in Shopify, ready to copy. */
export function WebhookSteps() {
  const address = webhookAddress()
  return (
    <ol className="flex flex-col gap-6">
      <li>
        <p className="font-medium">1. Webhook address</p>
        <p className="mt-0.5 mb-2 text-[13px] text-ink-3">
          In the Shopify admin: Settings → Notifications → Webhooks, or your app’s subscriptions. Format JSON,
          the latest API version.
        </p>
        <Copyable value={address} label="the webhook address" />
        {!address.startsWith('https://') && (
          <p className="mt-2 text-[13px] text-warn">
            Shopify sends only to public HTTPS addresses. Put a proxy or a tunnel with a certificate before
            this server, and use its name instead.
          </p>
        )}
      </li>
      <li>
        <div className="mb-2 flex items-center justify-between">
          <p className="font-medium">2. Topics to subscribe to</p>
          <CopyButton value={topics.join('\n')} label="Copy all topics" />
        </div>
        <ul className="grid grid-cols-1 gap-x-4 min-[420px]:grid-cols-2 sm:grid-cols-3">
          {topics.map((topic) => (
            <li key={topic} className="flex items-center justify-between gap-1 border-t border-line py-0.5">
              <code className="truncate font-mono text-[13px]">{topic}</code>
              <CopyButton value={topic} label={`Copy ${topic}`} />
            </li>
          ))}
        </ul>
      </li>
    </ol>
  )
}
