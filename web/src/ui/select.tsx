import { ChevronDown } from 'lucide-react'
import { useId, type ReactNode, type SelectHTMLAttributes } from 'react'
import { classes } from './classes.ts'

interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  label: string
  /** The label is read, not shown. */
  bare?: boolean
  hint?: ReactNode
  options: readonly { value: string; label: string }[]
}

export function Select({ label, bare = false, hint, options, className, ...select }: SelectProps) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className={bare ? 'sr-only' : 'mb-1.5 block font-medium'}>
        {label}
      </label>
      <div className="relative">
        <select
          id={id}
          aria-describedby={hint ? `${id}-hint` : undefined}
          className={classes(
            'w-full appearance-none rounded-lg border border-line bg-surface pr-9 pl-3 text-ink transition-colors hover:border-line-strong focus-visible:border-accent disabled:opacity-60',
            bare ? 'h-9' : 'h-10',
          )}
          {...select}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <ChevronDown
          aria-hidden
          className="pointer-events-none absolute inset-y-0 right-3 my-auto size-4 text-ink-3"
        />
      </div>
      {hint && (
        <p id={`${id}-hint`} className="mt-1.5 text-[13px] text-ink-3">
          {hint}
        </p>
      )}
    </div>
  )
}
