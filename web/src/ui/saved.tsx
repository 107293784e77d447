import { Check } from 'lucide-react'
import type { ReactNode } from 'react'

/** Beside the button that did it. */
export function Saved({ children = 'Saved' }: { children?: ReactNode }) {
  return (
    <span role="status" className="flex items-center gap-1.5 text-[13px] font-medium text-good">
      <Check aria-hidden className="size-4" />
      {children}
    </span>
  )
}
