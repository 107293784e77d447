import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type FilteredQuestion } from '../api/client.ts'
import type { Stats, Store } from '../api/shapes.ts'
import { isFiltered } from '../domain/filters.ts'
import { pageLocale } from '../domain/money.ts'
import { intervalFor } from '../domain/ranges.ts'
import type { MeasureName } from '../domain/measures.ts'
import { FilterChips } from '../sales/chips.tsx'
import { HeatMap } from '../sales/heat-map.tsx'
import { SalesBy } from '../sales/sales-by.tsx'
import { Alert, Failed } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Beside } from '../why/beside.tsx'
import { Statement } from './statement.tsx'
import { CheckoutsPanel } from './checkouts-panel.tsx'
import { Controls } from './controls.tsx'
import { Feed } from './feed.tsx'
import { Figures } from './figures.tsx'
import { SalesPanel } from './sales-panel.tsx'
import { useScope } from './scope.ts'
import { useChosenByServer } from './server-choice.ts'
import { StoreNotices, Welcome } from './welcome.tsx'
import { CustomersPanel } from './customers-panel.tsx'

export function Overview({ stores }: { stores: readonly Store[] }) {
  const scope = useScope(stores)
  const { question, filtered, compare } = scope
  const narrowed = isFiltered(filtered)
  const [chosen, setChosen] = useState<MeasureName>('total_sales')
  useTitle('Overview')

  const stats = useQuery({
    queryKey: ['stats', filtered, compare],
    queryFn: ({ signal }) => api.stats(filtered, compare, signal),
    placeholderData: keepPreviousData,
  })
  const interval = intervalFor(scope.range)
  const series = useQuery({
    queryKey: ['series', filtered, interval],
    queryFn: ({ signal }) => api.salesOverTime(filtered, interval, signal),
    placeholderData: keepPreviousData,
  })
  useChosenByServer(stats.error)

  const comparison = comparisonQuestion(stats.data, stats.isPlaceholderData, filtered)
  const before = useQuery({
    queryKey: ['comparison', comparison, interval],
    queryFn: ({ signal }) => {
      if (!comparison) throw new Error('There is no period to compare with.')
      return api.salesOverTime(comparison, interval, signal)
    },
    enabled: comparison !== null,
  })

  const shown = scope.store ? stores.filter((store) => store.id === scope.store) : stores
  // One store alone is not named in the address.
  const welcomed = shown.length === 1 ? shown[0] : undefined

  return (
    <>
      <Controls
        title="Overview"
        scope={scope}
        stores={stores}
        comparison={stats.data?.comparison ?? null}
        compared
      />
      <FilterChips question={filtered} />
      <Beside question={filtered} />
      <Welcome store={welcomed} stats={stats.data} />
      <StoreNotices stores={shown} />
      {stats.isError && stats.data && (
        <Outdated error={stats.error} asOf={stats.data.as_of} timezone={scope.timezone} />
      )}
      {stats.isError && !stats.data ? (
        <div className="rounded-xl border border-line bg-surface">
          <Failed what="The figures" error={stats.error} onRetry={() => void stats.refetch()} />
        </div>
      ) : (
        <div className="grid grid-cols-1 gap-4 xl:grid-cols-[minmax(0,1fr)_20rem]">
          <div className="flex min-w-0 flex-col gap-4">
            <Figures
              stats={stats.data}
              points={series.data?.points}
              stale={stats.isPlaceholderData}
              chosen={chosen}
              onChoose={setChosen}
              narrowed={narrowed}
            />
            <SalesPanel
              measureName={chosen}
              stats={stats.data}
              series={series}
              before={comparison ? before.data : undefined}
              range={scope.range}
              openEnded={scope.range.to === scope.today}
              narrowed={narrowed}
            />
            <div className="grid grid-cols-1 gap-4 lg:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
              <Statement stats={stats.data} />
              <CustomersPanel question={question} unfiltered={narrowed} />
            </div>
            <SalesBy question={filtered} />
            <HeatMap question={filtered} />
            <CheckoutsPanel
              question={question}
              stores={stores}
              timezone={scope.timezone}
              unfiltered={narrowed}
            />
          </div>
          <Feed question={question} stores={stores} store={scope.store} timezone={scope.timezone} />
        </div>
      )}
    </>
  )
}

/** The last figures stay on the page, with the time that they are of. */
function Outdated({ error, asOf, timezone }: { error: Error; asOf: string; timezone: string }) {
  const time = new Intl.DateTimeFormat(pageLocale(), { timeZone: timezone, timeStyle: 'medium' })
  return (
    <div className="mb-4">
      <Alert>
        These figures are of {time.format(new Date(asOf))} and could not be brought up to date.{' '}
        {error.message}
      </Alert>
    </div>
  )
}

/** The earlier period is the server's to say; its points come with a question of their own. */
function comparisonQuestion(
  stats: Stats | undefined,
  placeholder: boolean,
  question: FilteredQuestion,
): FilteredQuestion | null {
  if (!stats?.comparison || placeholder) return null
  return { ...question, from: stats.comparison.from, to: stats.comparison.to }
}
