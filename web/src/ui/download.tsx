import { useMutation } from '@tanstack/react-query'
import { Download as DownloadIcon } from 'lucide-react'
import { fetchFile } from '../api/account.ts'
import { sentenceOf } from '../api/problem.ts'
import { Button } from './button.tsx'

/** Fetches a file with the session's token, which a link could not carry, and hands it to the browser. */
export function Download({ path, name, children }: { path: string; name: string; children: string }) {
  const fetching = useMutation({
    mutationFn: () => fetchFile(path),
    onSuccess: ({ content }) => save(content, name),
  })
  return (
    <span className="inline-flex items-center gap-2">
      {fetching.isError && (
        <span role="alert" className="max-w-60 text-[13px] text-bad">
          {sentenceOf(fetching.error)}
        </span>
      )}
      <Button
        busy={fetching.isPending}
        icon={<DownloadIcon aria-hidden className="size-4" />}
        onClick={() => fetching.mutate()}
      >
        {children}
      </Button>
    </span>
  )
}

export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The download has its own hold on the data once it began.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
