import { ArrowLeft, X } from 'lucide-react'
import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { IconButton } from './button.tsx'

interface SheetProps {
  title: ReactNode
  /** One level up, where there is one. */
  back?: { readonly label: string; readonly go: () => void } | undefined
  aside?: ReactNode
  onClose: () => void
  children: ReactNode
}

/** A second page beside the first: modal, as high as the window. The browser keeps focus inside and gives it back. */
export function Sheet({ title, back, aside, onClose, children }: SheetProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()

  // Before the element goes, or there would be nothing left to give the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events -- Escape closes it, too
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        // The element itself is only hit on its backdrop: what it holds fills it.
        if (event.target === ref.current) onClose()
      }}
      className="my-0 mr-0 ml-auto h-dvh max-h-none w-[42rem] max-w-full border-l border-line bg-surface p-0 text-ink shadow-raised open:animate-slide"
    >
      <div className="flex h-full flex-col">
        <header className="flex min-h-14 shrink-0 items-center gap-2 border-b border-line py-2 pr-3 pl-5">
          {back && (
            <IconButton label={back.label} className="-ml-2.5" onClick={back.go}>
              <ArrowLeft aria-hidden className="size-4" />
            </IconButton>
          )}
          <h2 id={titleId} className="min-w-0 flex-1 truncate text-base font-semibold">
            {title}
          </h2>
          {aside}
          <IconButton label="Close" onClick={onClose}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </header>
        <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">{children}</div>
      </div>
    </dialog>
  )
}
