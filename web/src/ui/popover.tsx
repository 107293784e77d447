/**
 * A panel over the page, on the browser's own popover: it is in the top layer, Escape and a click beside it
 * close it, and focus returns to its button.
 */

import {
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
  type ButtonHTMLAttributes,
  type ReactNode,
} from 'react'
import { classes } from './classes.ts'

const MARGIN = 8

function place(button: HTMLElement, panel: HTMLElement, align: 'start' | 'end'): void {
  const anchor = button.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = panel
  const wished = align === 'start' ? anchor.left : anchor.right - width
  const left = Math.max(MARGIN, Math.min(wished, innerWidth - width - MARGIN))
  const below = anchor.bottom + 6
  const above = anchor.top - 6 - height
  const top = below + height > innerHeight - MARGIN && above >= MARGIN ? above : below
  panel.style.left = `${left}px`
  panel.style.top = `${top}px`
}

interface PopoverProps {
  button: ReactNode
  buttonProps?: ButtonHTMLAttributes<HTMLButtonElement>
  label: string
  align?: 'start' | 'end'
  className?: string
  /** Rendered only while open. */
  children: (close: () => void) => ReactNode
}

export function Popover({ button, buttonProps, label, align = 'start', className, children }: PopoverProps) {
  const id = useId()
  const buttonRef = useRef<HTMLButtonElement>(null)
  const panelRef = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const close = useCallback(() => panelRef.current?.hidePopover(), [])

  useEffect(() => {
    if (!open) return
    const replace = () => {
      if (buttonRef.current && panelRef.current) place(buttonRef.current, panelRef.current, align)
    }
    replace()
    const observer = new ResizeObserver(replace)
    if (panelRef.current) observer.observe(panelRef.current)
    addEventListener('scroll', replace, { passive: true, capture: true })
    addEventListener('resize', replace)
    return () => {
      observer.disconnect()
      removeEventListener('scroll', replace, { capture: true })
      removeEventListener('resize', replace)
    }
  }, [open, align])

  return (
    <>
      <button
        type="button"
        ref={buttonRef}
        popoverTarget={id}
        aria-haspopup="dialog"
        aria-expanded={open}
        {...buttonProps}
      >
        {button}
      </button>
      <div
        ref={panelRef}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        onToggle={(event) => setOpen(event.newState === 'open')}
        className={classes(
          'fixed max-w-[calc(100vw-1rem)] rounded-xl border border-line bg-raised text-ink shadow-raised open:animate-pop',
          className,
        )}
      >
        {/* oxlint-disable-next-line react/refs -- only a click calls it */}
        {open && children(close)}
      </div>
    </>
  )
}
