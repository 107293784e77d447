import { useInfiniteQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { account } from '../api/account.ts'
import type { AuditEvent } from '../api/shapes.ts'
import { dateTime } from '../domain/moments.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { RowsLoading } from '../ui/rows.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { actionWords, actorWords, detailWords } from './actions.ts'

const PAGE = 50

export function AuditLog() {
  const log = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: ({ pageParam, signal }) => account.audit(pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  })
  const events = log.data?.pages.flatMap((page) => page.events) ?? []

  return (
    <Card title="Latest first">
      {log.isError && !log.data ? (
        <Failed what="The audit log" error={log.error} onRetry={() => void log.refetch()} />
      ) : !log.data ? (
        <RowsLoading count={6} />
      ) : events.length === 0 ? (
        <Empty icon={<ScrollText aria-hidden className="size-5" />} title="Nothing noted yet">
          Sign-ins, changes of access, connections and exports are noted here from now on.
        </Empty>
      ) : (
        <Log events={events} />
      )}
      {log.hasNextPage && (
        <div className="border-t border-line p-2 text-center">
          <Button look="ghost" busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
            Show older
          </Button>
        </div>
      )}
    </Card>
  )
}

const head = 'px-2 py-2 font-normal first:pl-5 last:pr-5'
const cell = 'px-2 py-2.5 align-top first:pl-5 last:pr-5'

/** A table where there is room; on a phone each line stands for itself, the time and the person below. */
function Log({ events }: { events: readonly AuditEvent[] }) {
  return (
    <table className="w-full text-left text-[13px]">
      <thead className="text-ink-3 max-sm:sr-only">
        <tr>
          <th scope="col" className={head}>
            What
          </th>
          <th scope="col" className={head}>
            Who
          </th>
          <th scope="col" className={`${head} text-right`}>
            When
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <LogRow key={event.id} event={event} />
        ))}
      </tbody>
    </table>
  )
}

function LogRow({ event }: { event: AuditEvent }) {
  const detail = detailWords(event.detail)
  return (
    <tr
      data-testid="audit-event"
      data-action={event.action}
      className="border-t border-line max-sm:block max-sm:px-5 max-sm:py-2.5"
    >
      <td className={`${cell} max-sm:block max-sm:p-0!`}>
        <span className="font-medium text-ink">{actionWords(event.action)}</span>
        {event.subject && <span className="break-all text-ink-2"> · {event.subject}</span>}
        {detail && <span className="block break-words text-ink-3">{detail}</span>}
      </td>
      <td className={`${cell} text-ink-2 max-sm:block max-sm:p-0!`}>
        <span className="break-all">{actorWords(event.actor)}</span>
        {event.address && (
          <span className="block text-ink-3 figures max-sm:ml-2 max-sm:inline">{event.address}</span>
        )}
      </td>
      <td
        className={`${cell} text-right whitespace-nowrap text-ink-3 figures max-sm:block max-sm:p-0! max-sm:text-left`}
      >
        <time dateTime={event.at}>{dateTime(event.at)}</time>
      </td>
    </tr>
  )
}
