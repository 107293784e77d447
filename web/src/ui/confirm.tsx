import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { sentenceOf } from '../api/problem.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Alert } from './states.tsx'

interface ConfirmProps {
  title: string
  /** What will have happened afterwards. */
  children: ReactNode
  /** The verb and its object: "Revoke key". */
  action: string
  keep?: string
  look?: 'danger' | 'primary'
  run: () => Promise<unknown>
  onDone?: () => unknown
  onClose: () => void
}

/** Asks before something that cannot be taken back; stays, with the reason, when it is refused. */
export function Confirm({
  title,
  children,
  action,
  keep = 'Cancel',
  look = 'danger',
  run,
  onDone,
  onClose,
}: ConfirmProps) {
  const act = useMutation({
    mutationFn: run,
    onSuccess: async () => {
      onClose()
      await onDone?.()
    },
  })
  return (
    <Dialog title={title} onClose={onClose}>
      {act.isError && (
        <div className="mb-4">
          <Alert>{sentenceOf(act.error)}</Alert>
        </div>
      )}
      <div className="text-ink-2">{children}</div>
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onClose}>{keep}</Button>
        <Button look={look} busy={act.isPending} onClick={() => act.mutate()}>
          {action}
        </Button>
      </div>
    </Dialog>
  )
}
