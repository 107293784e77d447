import { Check, Copy as CopyIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { IconButton } from './button.tsx'
import { classes } from './classes.ts'

/** A value in a box with a button that copies it. */
export function Copyable({
  value,
  label,
  whole = false,
}: {
  value: string
  label: string
  /** All of it is to be seen, however many lines it takes. */
  whole?: boolean
}) {
  return (
    <div className="flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
      <code
        className={classes('min-w-0 flex-1 font-mono text-[13px]', whole ? 'break-all py-1' : 'truncate')}
        title={value}
      >
        {value}
      </code>
      <CopyButton value={value} label={`Copy ${label}`} />
    </div>
  )
}

export function CopyButton({ value, label }: { value: string; label: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1600)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <IconButton
      label={copied ? 'Copied' : label}
      className="size-8"
      onClick={() => void copy(value).then(() => setCopied(true))}
    >
      {copied ? (
        <Check aria-hidden className="size-4 text-good" />
      ) : (
        <CopyIcon aria-hidden className="size-4" />
      )}
      <span aria-live="polite" className="sr-only">
        {copied ? 'Copied' : ''}
      </span>
    </IconButton>
  )
}

/** The clipboard needs a secure page; on plain HTTP in a home network a selection does the same. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text)
    return
  }
  const focused = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  // Behind an open dialog nothing can be selected.
  const around = focused?.closest('dialog') ?? document.body
  around.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
}
