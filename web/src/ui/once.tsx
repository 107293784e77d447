import { KeyRound } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { Copyable } from './copy.tsx'
import { Dialog } from './dialog.tsx'

interface OnceProps {
  title: string
  /** Each with the words for its copy button: "the key". */
  values: readonly { label: string; value: string }[]
  children?: ReactNode
  onClose: () => void
}

/** A secret that is shown this once: closed, it is gone, so nothing but the button closes it. */
export function ShownOnce({ title, values, children, onClose }: OnceProps) {
  return (
    <Dialog title={title} onClose={onClose} lasting>
      <p className="mb-4 flex gap-2.5 rounded-lg bg-warn-soft px-3 py-2.5 text-[13px] text-warn">
        <KeyRound aria-hidden className="mt-px size-4 shrink-0" />
        Copy it now. It is shown this once and cannot be read again later.
      </p>
      <dl className="flex flex-col gap-3">
        {values.map(({ label, value }) => (
          <div key={label}>
            <dt className="mb-1 text-[13px] text-ink-3 first-letter:uppercase">{label}</dt>
            <dd>
              <Copyable value={value} label={label} whole />
            </dd>
          </div>
        ))}
      </dl>
      {children && <div className="mt-4 text-[13px] text-ink-2">{children}</div>}
      <div className="mt-5 flex justify-end">
        <Button look="primary" onClick={onClose}>
          I have copied it
        </Button>
      </div>
    </Dialog>
  )
}
