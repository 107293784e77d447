import { X } from 'lucide-react'
import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { IconButton } from './button.tsx'

/** A modal question. Mounted means open; the browser keeps focus inside and gives it back. */
export function Dialog({
  title,
  onClose,
  lasting = false,
  children,
}: {
  title: string
  onClose: () => void
  /** What it shows would be lost: Escape does not close it, and there is no cross. */
  lasting?: boolean
  children: ReactNode
}) {
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()

  // Before the element goes, or there would be nothing left to give the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])

  return (
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        if (!lasting) onClose()
      }}
      className="m-auto w-[28rem] max-w-[calc(100vw-2rem)] rounded-2xl border border-line bg-raised p-0 text-ink shadow-raised open:animate-pop"
    >
      <header className="flex items-center justify-between gap-4 border-b border-line py-3 pr-3 pl-5 min-h-15">
        <h2 id={titleId} className="text-base font-semibold">
          {title}
        </h2>
        {!lasting && (
          <IconButton label="Close" onClick={onClose}>
            <X aria-hidden className="size-4" />
          </IconButton>
        )}
      </header>
      <div className="p-5">{children}</div>
    </dialog>
  )
}
