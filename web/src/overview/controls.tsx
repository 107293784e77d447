import { CalendarDays, Check, ChevronDown, GitCompareArrows, Store as StoreIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Compare } from '../api/client.ts'
import type { Stats, Store } from '../api/shapes.ts'
import { pageLocale } from '../domain/money.ts'
import { formatRange, presets } from '../domain/ranges.ts'
import { storeLabel } from '../stores/label.ts'
import { classes } from '../ui/classes.ts'
import { Popover } from '../ui/popover.tsx'
import { RangeCalendar } from './range-calendar.tsx'
import type { Scope } from './scope.ts'

const comparisons: readonly { value: Compare; label: string; hint: string }[] = [
  { value: 'previous', label: 'Previous period', hint: 'As many days, directly before' },
  { value: 'year', label: 'Previous year', hint: 'The same dates, a year earlier' },
  { value: 'none', label: 'No comparison', hint: '' },
]

const buttonLook =
  'inline-flex h-9 max-w-full items-center gap-2 rounded-lg border border-line bg-surface px-3 font-medium shadow-card transition-colors hover:border-line-strong hover:bg-sunken aria-expanded:border-line-strong'

interface ControlsProps {
  title: string
  scope: Scope
  stores: readonly Store[]
  comparison?: Stats['comparison']
  /** Whether there is an earlier period to choose. */
  compared?: boolean
}

export function Controls({ title, scope, stores, comparison = null, compared = false }: ControlsProps) {
  return (
    <div className="mb-4 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
      <h1 className="text-[22px] font-semibold tracking-[-0.02em]">{title}</h1>
      <div className="flex max-w-full flex-wrap items-center gap-2">
        {stores.length > 1 && <StoreSwitcher scope={scope} stores={stores} />}
        <RangePicker scope={scope} />
        {compared && <ComparePicker scope={scope} comparison={comparison} />}
      </div>
    </div>
  )
}

function MenuItem({
  chosen,
  onClick,
  children,
}: {
  chosen: boolean
  onClick: () => void
  children: ReactNode
}) {
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onClick}
      className={classes(
        'flex w-full items-center justify-between gap-3 rounded-lg px-2.5 py-1.5 text-left transition-colors hover:bg-sunken',
        chosen && 'font-medium',
      )}
    >
      <span className="min-w-0">{children}</span>
      {chosen && <Check aria-hidden className="size-4 shrink-0 text-accent" />}
    </button>
  )
}

function StoreSwitcher({ scope, stores }: { scope: Scope; stores: readonly Store[] }) {
  const current = stores.find((store) => store.id === scope.store)
  const choose = (store: string | null, close: () => void) => {
    scope.setStore(store)
    close()
  }
  return (
    <Popover
      label="Store"
      align="end"
      className="w-72 p-1.5"
      buttonProps={{
        className: buttonLook,
        'aria-label': `Store: ${current ? storeLabel(current) : 'all stores'}`,
      }}
      button={
        <>
          <StoreIcon aria-hidden className="size-4 shrink-0 text-ink-3" />
          <span className="truncate">{current ? storeLabel(current) : 'All stores'}</span>
          <ChevronDown aria-hidden className="size-4 shrink-0 text-ink-3" />
        </>
      }
    >
      {(close) => (
        <div className="max-h-80 overflow-y-auto">
          {scope.together && (
            <MenuItem chosen={scope.store === null} onClick={() => choose(null, close)}>
              All stores
            </MenuItem>
          )}
          {stores.map((store) => (
            <MenuItem
              key={store.id}
              chosen={store.id === scope.store}
              onClick={() => choose(store.id, close)}
            >
              <span className="block truncate">{storeLabel(store)}</span>
              <span className="block truncate text-xs font-normal text-ink-3">
                {[store.currency, store.timezone].filter(Boolean).join(' · ') || store.domain}
              </span>
            </MenuItem>
          ))}
          {!scope.together && (
            <p className="mt-1 border-t border-line px-2.5 pt-2 pb-1 text-xs text-ink-3">
              These stores differ in currency or time zone, so they are shown one at a time.
            </p>
          )}
        </div>
      )}
    </Popover>
  )
}

function RangePicker({ scope }: { scope: Scope }) {
  const label = presets.find((preset) => preset.id === scope.preset)?.label
  const dates = formatRange(scope.range, pageLocale())
  return (
    <Popover
      label="Dates"
      align="end"
      className="p-1.5"
      buttonProps={{ className: buttonLook, 'aria-label': `Dates: ${label ? `${label}, ${dates}` : dates}` }}
      button={
        <>
          <CalendarDays aria-hidden className="size-4 shrink-0 text-ink-3" />
          <span>{label ?? dates}</span>
          {label && <span className="hidden font-normal text-ink-3 figures lg:inline">{dates}</span>}
          <ChevronDown aria-hidden className="size-4 shrink-0 text-ink-3" />
        </>
      }
    >
      {(close) => (
        <div className="flex flex-col sm:flex-row">
          <div className="grid grid-cols-2 gap-0.5 border-line pb-1.5 max-sm:mb-1.5 max-sm:border-b sm:w-40 sm:grid-cols-1 sm:content-start sm:border-r sm:pr-1.5 sm:pb-0">
            {presets.map((preset) => (
              <MenuItem
                key={preset.id}
                chosen={preset.id === scope.preset}
                onClick={() => {
                  scope.setPreset(preset.id)
                  close()
                }}
              >
                {preset.label}
              </MenuItem>
            ))}
          </div>
          <RangeCalendar
            range={scope.range}
            today={scope.today}
            timezone={scope.timezone}
            onChoose={(range) => {
              scope.setRange(range)
              close()
            }}
          />
        </div>
      )}
    </Popover>
  )
}

function ComparePicker({ scope, comparison }: { scope: Scope; comparison: Stats['comparison'] }) {
  const current = comparisons.find((each) => each.value === scope.compare)
  return (
    <Popover
      label="Comparison"
      align="end"
      className="w-64 p-1.5"
      buttonProps={{ className: buttonLook, 'aria-label': `Compared with: ${current?.label}` }}
      button={
        <>
          <GitCompareArrows aria-hidden className="size-4 shrink-0 text-ink-3" />
          <span className="max-sm:sr-only">{current?.label}</span>
          <ChevronDown aria-hidden className="size-4 shrink-0 text-ink-3" />
        </>
      }
    >
      {(close) => (
        <>
          {comparisons.map((each) => (
            <MenuItem
              key={each.value}
              chosen={each.value === scope.compare}
              onClick={() => {
                scope.setCompare(each.value)
                close()
              }}
            >
              {each.label}
              {each.hint && <span className="block text-xs font-normal text-ink-3">{each.hint}</span>}
            </MenuItem>
          ))}
          {comparison && scope.compare !== 'none' && (
            <p className="mt-1 border-t border-line px-2.5 pt-2 pb-1 text-xs text-ink-3 figures">
              Comparing with {formatRange(comparison, pageLocale())}
            </p>
          )}
        </>
      )}
    </Popover>
  )
}
