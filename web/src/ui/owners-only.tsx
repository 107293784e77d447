import { Lock } from 'lucide-react'
import { Empty } from './states.tsx'

/** In place of a page, or a part of one, that is not for this role. */
export function OwnersOnly({ what }: { what: string }) {
  return (
    <div className="mt-4 rounded-xl border border-line bg-surface shadow-card">
      <Empty icon={<Lock aria-hidden className="size-5" />} title={`${what}: for owners`}>
        Ask an owner of this account to do it for you, or to make you an owner: Settings → Team shows who they
        are.
      </Empty>
    </div>
  )
}
