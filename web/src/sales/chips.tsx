import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { api, type FilteredQuestion } from '../api/client.ts'
import { dimension, valueWords } from '../domain/dimensions.ts'
import { filterNames, isFiltered, type FilterName } from '../domain/filters.ts'
import { setSearch } from '../ui/location.tsx'

/** A product's filter is its id; its name is asked for. */
function useFilterValue(name: FilterName, value: string, question: FilteredQuestion): string {
  const { from, to, store } = question
  const title = useQuery({
    queryKey: ['title', store, value],
    queryFn: async ({ signal }) => {
      const about = { from, to, store, product: value }
      const { rows } = await api.breakdown(about, 'product', 'total_sales', null, 1, signal)
      return rows[0]?.label ?? null
    },
    enabled: name === 'product' && value !== '',
  })
  return valueWords(name, value, title.data ?? null)
}

function setFilters(question: FilteredQuestion) {
  return filterNames.flatMap((name) => {
    const value = question[name]
    return value === undefined ? [] : [{ name, value }]
  })
}

/** The filters that are set, each with a cross. */
export function FilterChips({ question }: { question: FilteredQuestion }) {
  if (!isFiltered(question)) return null
  const clear = Object.fromEntries(filterNames.map((name) => [name, null]))
  const chips = setFilters(question)
  return (
    <div className="mb-4 flex flex-wrap items-center gap-2">
      <span className="text-[13px] text-ink-3">Only</span>
      <ul aria-label="Filters" className="contents">
        {chips.map(({ name, value }) => (
          <li key={name} className="contents">
            <Chip name={name} value={value} question={question} />
          </li>
        ))}
      </ul>
      {chips.length > 1 && (
        <button
          type="button"
          onClick={() => setSearch(clear)}
          className="rounded px-1 text-[13px] text-accent hover:underline"
        >
          Remove all
        </button>
      )}
    </div>
  )
}

interface ChipProps {
  name: FilterName
  value: string
  question: FilteredQuestion
}

function Chip({ name, value, question }: ChipProps) {
  const words = useFilterValue(name, value, question)
  const { label } = dimension(name)
  return (
    <button
      type="button"
      data-testid={`filter-${name}`}
      aria-label={`Remove the filter ${label}: ${words}`}
      onClick={() => setSearch({ [name]: null })}
      className="inline-flex h-8 max-w-full items-center gap-1.5 rounded-full bg-accent-soft pr-2 pl-3 text-[13px] text-accent transition-colors hover:text-accent-strong"
    >
      <span className="opacity-80">{label}</span>
      <span className="truncate font-medium">{words}</span>
      <X aria-hidden className="size-3.5 shrink-0" />
    </button>
  )
}

/** The filters as a part of a sentence: ` · Online Store · Germany`. */
export function FilterWords({ question }: { question: FilteredQuestion }) {
  return setFilters(question).map(({ name, value }) => (
    <FilterWord key={name} name={name} value={value} question={question} />
  ))
}

function FilterWord({ name, value, question }: ChipProps) {
  return <span> · {useFilterValue(name, value, question)}</span>
}
