import { useId, type InputHTMLAttributes, type ReactNode } from 'react'
import { classes } from './classes.ts'

export const inputLook =
  'h-10 w-full rounded-lg border bg-surface px-3 text-ink transition-colors placeholder:text-ink-3 read-only:bg-sunken hover:border-line-strong focus-visible:border-accent'

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string
  hint?: ReactNode
  error?: string | null
  optional?: boolean
  suffix?: string
}

export function Field({ label, hint, error, optional = false, suffix, className, ...input }: FieldProps) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 flex items-baseline justify-between font-medium">
        {label}
        {optional && <span className="text-xs font-normal text-ink-3">Optional</span>}
      </label>
      <div className="relative">
        <input
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={error || hint ? `${id}-hint` : undefined}
          className={classes(inputLook, error ? 'border-bad' : 'border-line', suffix && 'pr-32')}
          {...input}
        />
        {suffix && (
          <span className="pointer-events-none absolute inset-y-0 right-3 flex items-center text-ink-3">
            {suffix}
          </span>
        )}
      </div>
      {(error || hint) && (
        <p id={`${id}-hint`} className={classes('mt-1.5 text-[13px]', error ? 'text-bad' : 'text-ink-3')}>
          {error ?? hint}
        </p>
      )}
    </div>
  )
}
