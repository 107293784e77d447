import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { monthGrid, weekdayNames } from '../domain/calendar.ts'
import { pageLocale } from '../domain/money.ts'
import { addDays, addMonths, formatRange, isDay, tidyRange, type Day, type Range } from '../domain/ranges.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { classes } from '../ui/classes.ts'

interface RangeCalendarProps {
  range: Range
  today: Day
  timezone: string
  onChoose: (range: Range) => void
}

const steps: Record<string, (day: Day) => Day> = {
  ArrowLeft: (day) => addDays(day, -1),
  ArrowRight: (day) => addDays(day, 1),
  ArrowUp: (day) => addDays(day, -7),
  ArrowDown: (day) => addDays(day, 7),
  PageUp: (day) => addMonths(day, -1),
  PageDown: (day) => addMonths(day, 1),
}

/** Two clicks, or two typed dates, make a range. Arrow keys walk the days, Page Up and Down the months. */
export function RangeCalendar({ range, today, timezone, onChoose }: RangeCalendarProps) {
  const locale = pageLocale()
  const [draft, setDraft] = useState(range)
  const [anchor, setAnchor] = useState<Day | null>(null)
  const [focused, setFocused] = useState(range.to)
  const grid = useRef<HTMLDivElement>(null)
  const moved = useRef(false)
  const month = focused.slice(0, 7)

  useEffect(() => {
    if (moved.current) grid.current?.querySelector<HTMLButtonElement>(`[data-day="${focused}"]`)?.focus()
    moved.current = false
  }, [focused])

  const pick = (day: Day) => {
    setFocused(day)
    if (anchor) {
      setDraft(tidyRange(anchor, day, today))
      setAnchor(null)
    } else {
      setDraft({ from: day, to: day })
      setAnchor(day)
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = steps[event.key]
    if (!step) return
    event.preventDefault()
    const next = step(focused)
    moved.current = true
    setFocused(next > today ? today : next)
  }
  const type = (end: 'from' | 'to', text: string) => {
    if (!isDay(text)) return
    setAnchor(null)
    setDraft({ ...draft, [end]: text })
    if (text <= today) setFocused(text)
  }
  const turn = (months: number) => {
    const next = addMonths(`${month}-01`, months)
    setFocused(next > today ? today : next)
  }

  return (
    <div className="w-[19.5rem] max-w-full p-2 sm:pl-3">
      <div className="mb-1 flex items-center justify-between">
        <IconButton label="Earlier month" className="size-8" onClick={() => turn(-1)}>
          <ChevronLeft aria-hidden className="size-4" />
        </IconButton>
        <p aria-live="polite" className="font-medium">
          {new Intl.DateTimeFormat(locale, { timeZone: 'UTC', month: 'long', year: 'numeric' }).format(
            new Date(`${month}-01T00:00:00Z`),
          )}
        </p>
        <IconButton
          label="Later month"
          className="size-8 disabled:opacity-30"
          disabled={month >= today.slice(0, 7)}
          onClick={() => turn(1)}
        >
          <ChevronRight aria-hidden className="size-4" />
        </IconButton>
      </div>
      <div aria-hidden className="grid grid-cols-7 text-center text-xs text-ink-3">
        {weekdayNames(locale).map((name) => (
          <span key={name} className="py-1">
            {name}
          </span>
        ))}
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys of the buttons inside */}
      <div
        ref={grid}
        role="group"
        aria-label="Days"
        onKeyDown={onKeyDown}
        className="grid grid-cols-7 gap-y-0.5"
      >
        {monthGrid(month).map((day, index) =>
          day === null ? (
            // oxlint-disable-next-line react/no-array-index-key -- the blanks before the first have no other name
            <span key={`blank ${index}`} />
          ) : (
            <DayButton
              key={day}
              day={day}
              draft={draft}
              today={today}
              locale={locale}
              tabbable={day === focused}
              onPick={pick}
            />
          ),
        )}
      </div>
      <div className="mt-3 flex items-center gap-2">
        <DateInput label="First day" value={draft.from} max={today} onChange={(text) => type('from', text)} />
        <span aria-hidden className="text-ink-3">
          –
        </span>
        <DateInput label="Last day" value={draft.to} max={today} onChange={(text) => type('to', text)} />
      </div>
      <div className="mt-3 flex items-center justify-between gap-3">
        <p className="text-xs text-ink-3">
          {anchor ? 'Choose the other end' : formatRange(tidyRange(draft.from, draft.to, today), locale)}
          <span className="block">Time zone: {timezone.replaceAll('_', ' ')}</span>
        </p>
        <Button look="primary" onClick={() => onChoose(tidyRange(draft.from, draft.to, today))}>
          Apply
        </Button>
      </div>
    </div>
  )
}

interface DayButtonProps {
  day: Day
  draft: Range
  today: Day
  locale: string
  tabbable: boolean
  onPick: (day: Day) => void
}

function DayButton({ day, draft, today, locale, tabbable, onPick }: DayButtonProps) {
  const inside = day >= draft.from && day <= draft.to
  const end = day === draft.from || day === draft.to
  return (
    <button
      type="button"
      data-day={day}
      disabled={day > today}
      tabIndex={tabbable ? 0 : -1}
      aria-pressed={inside}
      aria-current={day === today ? 'date' : undefined}
      aria-label={new Intl.DateTimeFormat(locale, { timeZone: 'UTC', dateStyle: 'full' }).format(
        new Date(`${day}T00:00:00Z`),
      )}
      onClick={() => onPick(day)}
      className={classes(
        'h-8 text-[13px] figures disabled:opacity-35',
        inside && !end && 'bg-accent-soft',
        end ? 'bg-accent font-semibold text-on-accent' : 'hover:bg-sunken',
        !inside && 'rounded-lg',
        day === draft.from && 'rounded-l-lg',
        day === draft.to && 'rounded-r-lg',
        day === today && !end && 'font-semibold text-accent',
      )}
    >
      {Number(day.slice(8))}
    </button>
  )
}

interface DateInputProps {
  label: string
  value: Day
  max: Day
  onChange: (text: string) => void
}

function DateInput({ label, value, max, onChange }: DateInputProps) {
  return (
    <input
      type="date"
      aria-label={label}
      value={value}
      max={max}
      onChange={(event) => onChange(event.target.value)}
      className="h-9 min-w-0 flex-1 rounded-lg border border-line bg-surface px-2 text-[13px] figures"
    />
  )
}
