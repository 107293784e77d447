import { useInfiniteQuery } from '@tanstack/react-query'
import { ReceiptText } from 'lucide-react'
import { api, type FilteredQuestion } from '../api/client.ts'
import type { FigureEntry, Ledger, MeasureInfo } from '../api/shapes.ts'
import type { Unit } from '../domain/comparison.ts'
import { addUp, amountUnit, inWords, kindWords, sourceLink, subjectOf } from '../domain/entries.ts'
import { formatMeasure } from '../domain/measures.ts'
import { dateTime } from '../domain/moments.ts'
import { formatCount, pageLocale } from '../domain/money.ts'
import { formatRange } from '../domain/ranges.ts'
import { FilterWords } from '../sales/chips.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'
import { More, Table, type Column } from '../ui/table.tsx'
import { useMeasures } from './measures.ts'
import { openOrder } from './open.ts'

const PAGE = 50

/** A figure, what it means, and the entries that add up to it. */
export function WhyFigure({ measure, question }: { measure: string; question: FilteredQuestion }) {
  const measures = useMeasures()
  const info = measures.find(({ name }) => name === measure)
  const list = useInfiniteQuery({
    queryKey: ['ledger', question, measure],
    queryFn: ({ pageParam, signal }) => api.ledger(question, measure, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  })
  const pages = list.data?.pages
  // The latest page was answered last: its total is the one that holds now.
  const ledger = pages?.at(-1)
  const entries = pages?.flatMap((page) => page.entries)
  if (list.isError && !ledger) {
    return <Failed what="The entries" error={list.error} onRetry={() => void list.refetch()} />
  }
  return (
    <>
      <FigureHead label={info?.label ?? measure} ledger={ledger} question={question} />
      {info && <Meaning info={info} measures={measures} />}
      <div className="flex items-center justify-between px-5 pt-3">
        <h3 className="text-[15px] font-semibold">The entries that make it</h3>
        <Export what="the entries" path="/api/analytics/ledger" query={{ ...question, measure }} />
      </div>
      {entries?.length === 0 ? (
        <Empty icon={<ReceiptText aria-hidden className="size-5" />} title="No entries in this period">
          Nothing happened in it that counts here.
        </Empty>
      ) : (
        <Entries ledger={ledger} entries={entries} />
      )}
      <More list={list} />
      {ledger && entries && entries.length > 0 && (
        <Foot ledger={ledger} entries={entries} complete={!list.hasNextPage} />
      )}
    </>
  )
}

function FigureHead({
  label,
  ledger,
  question,
}: {
  label: string
  ledger: Ledger | undefined
  question: FilteredQuestion
}) {
  return (
    <div className="px-5 pt-4 pb-3">
      <p className="text-[13px] text-ink-2">{label}</p>
      <p data-testid="why-total" className="text-[26px] leading-9 font-semibold tracking-[-0.025em] figures">
        {ledger ? (
          formatMeasure(ledger.total, ledger.unit, ledger.currency)
        ) : (
          <Skeleton className="my-1 h-7 w-36" />
        )}
      </p>
      <p className="text-[13px] text-ink-3 figures">
        {formatRange(question, pageLocale())}
        <FilterWords question={question} />
        {ledger && ` · ${ledger.timezone}`}
      </p>
    </div>
  )
}

function Meaning({ info, measures }: { info: MeasureInfo; measures: readonly MeasureInfo[] }) {
  const link = sourceLink(info.source)
  return (
    <div className="mx-5 flex flex-col gap-3 rounded-lg bg-sunken px-4 py-3 text-[13px] leading-5 text-ink-2">
      <p data-testid="why-definition">{inWords(info.definition, measures)}</p>
      {info.choice && (
        <p data-testid="why-choice">
          <span className="font-medium text-ink">Where Shopify leaves it open: </span>
          {inWords(info.choice, measures)}
        </p>
      )}
      <p className="text-ink-3">
        {link ? (
          <a href={link} target="_blank" rel="noreferrer" className="text-accent hover:underline">
            Shopify’s own definition
            <span className="sr-only">, opens in a new tab</span>
          </a>
        ) : (
          'Shopify publishes no formula for this; this one is Tillstream’s.'
        )}
      </p>
    </div>
  )
}

interface EntriesProps {
  ledger: Ledger | undefined
  entries: readonly FigureEntry[] | undefined
}

function Entries({ ledger, entries }: EntriesProps) {
  const unit = amountUnit(ledger?.unit ?? 'count')
  return (
    <Table
      caption="The entries that add up to the figure"
      columns={ledger ? columnsOf(ledger, unit) : []}
      rows={entries}
      keyOf={(entry) => `${entry.store} ${entry.order_id ?? entry.checkout_token} ${entry.entry}`}
    />
  )
}

function columnsOf(ledger: Ledger, unit: Unit): readonly Column<FigureEntry>[] {
  const when = (entry: FigureEntry) => dateTime(entry.at, pageLocale(), ledger.timezone)
  const counts: Column<FigureEntry> = {
    id: 'denominator',
    head: 'Counts',
    width: 'w-16',
    quiet: true,
    cell: (entry) => formatCount(entry.denominator ?? 0),
  }
  return [
    { id: 'order', head: 'Of', cell: (entry) => <Subject entry={entry} /> },
    { id: 'kind', head: 'What', width: 'w-24', align: 'left', cell: (entry) => kindWords[entry.kind] },
    { id: 'at', head: 'When', width: 'w-52', align: 'left', hide: 'sm', quiet: true, cell: when },
    ...(ledger.numerator === null ? [] : [counts]),
    {
      id: 'amount',
      head: 'Adds',
      width: 'w-28',
      cell: (entry) => formatMeasure(entry.amount, unit, ledger.currency),
    },
  ]
}

function Subject({ entry }: { entry: FigureEntry }) {
  const words = subjectOf(entry)
  const { order_id: order } = entry
  if (!order) return <span className="text-ink-2">{words}</span>
  return (
    <button
      type="button"
      data-testid="why-order"
      onClick={() => openOrder(order, entry.store)}
      className="rounded font-medium text-accent hover:underline"
    >
      {words}
    </button>
  )
}

/** What the entries add up to; of a quotient, both of its parts. */
function Foot({
  ledger,
  entries,
  complete,
}: {
  ledger: Ledger
  entries: readonly FigureEntry[]
  complete: boolean
}) {
  const { currency, numerator, denominator } = ledger
  const unit = amountUnit(ledger.unit)
  const shown = formatMeasure(addUp(entries.map(({ amount }) => amount)), unit, currency)
  const divided = numerator !== null
  const all = formatMeasure(divided ? numerator : ledger.total, unit, currency)
  return (
    <dl className="sticky bottom-0 border-t border-line-strong bg-surface py-2 figures">
      {!complete && <FootLine name={`The ${formatCount(entries.length)} shown so far`} value={shown} quiet />}
      <FootLine
        name={
          complete
            ? `Sum of ${entries.length === 1 ? 'the entry' : `all ${formatCount(entries.length)}`}`
            : 'Sum of all'
        }
        value={complete ? shown : all}
      />
      {divided && (
        <FootLine
          name={`Divided by ${formatCount(denominator ?? 0)}`}
          value={formatMeasure(ledger.total, ledger.unit, currency)}
        />
      )}
    </dl>
  )
}

function FootLine({ name, value, quiet = false }: { name: string; value: string; quiet?: boolean }) {
  return (
    <div className={classes('flex justify-between gap-4 px-5 py-1', quiet ? 'text-ink-3' : 'font-semibold')}>
      <dt>{name}</dt>
      <dd data-testid={quiet ? undefined : 'why-sum'}>{value}</dd>
    </div>
  )
}
