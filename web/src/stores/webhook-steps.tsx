import { CopyButton, Copyable } from '../ui/copy.tsx'
import { ESSENTIAL, groups, webhookAddress, type TopicGroup } from './topics.ts'

/** What to enter in Shopify, ready to copy. */
export function WebhookSteps() {
  const address = webhookAddress()
  const essential = groups.slice(0, ESSENTIAL)
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
        <div className="flex items-center justify-between">
          <p className="font-medium">2. Topics to subscribe to</p>
          <CopyButton value={lines(essential)} label="Copy all topics that the figures need" />
        </div>
        <p className="mt-0.5 text-[13px] text-ink-3">
          The figures are made of these. An app needs the scope beside them; under Notifications none is
          needed, but not every topic is offered.
        </p>
        {essential.map((group) => (
          <Group key={group.tells} group={group} />
        ))}
        <details className="mt-4">
          <summary className="w-fit rounded text-[13px] text-ink-2 hover:text-ink">
            More topics, each with a scope of its own
          </summary>
          <p className="mt-1 text-[13px] text-ink-3">
            Stock at each place, parcels and merged customers add to what you see here. The others are only
            kept in the copy of your store.
          </p>
          {groups.slice(ESSENTIAL).map((group) => (
            <Group key={group.tells} group={group} />
          ))}
        </details>
      </li>
    </ol>
  )
}

function Group({ group }: { group: TopicGroup }) {
  return (
    <section aria-label={group.tells} className="mt-3 border-t border-line pt-1.5">
      <div className="flex items-center justify-between gap-3">
        <h3 className="text-[13px] text-ink-2">
          {group.tells}
          {group.scope && <code className="ml-2 font-mono text-ink-3">{group.scope}</code>}
        </h3>
        <CopyButton value={lines([group])} label={`Copy these topics: ${group.tells}`} />
      </div>
      <ul className="grid grid-cols-1 gap-x-4 gap-y-1 min-[420px]:grid-cols-2">
        {group.topics.map((topic) => (
          <li key={topic} className="min-w-0">
            <code className="font-mono text-[13px] break-all select-all">{topic}</code>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** One topic a line, as lists of them are pasted. */
function lines(some: readonly TopicGroup[]): string {
  return some.flatMap((group) => group.topics).join('\n')
}
