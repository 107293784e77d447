import { useMutation } from '@tanstack/react-query'
import { Download as DownloadIcon, LoaderCircle } from 'lucide-react'
import { fetchFile } from '../api/account.ts'
import { address, type Query } from '../api/client.ts'
import { sentenceOf } from '../api/problem.ts'
import { save } from './download.tsx'
import { Popover } from './popover.tsx'

const forms = [
  { form: 'csv', label: 'CSV', hint: 'For spreadsheets' },
  { form: 'parquet', label: 'Parquet', hint: 'For notebooks and warehouses' },
] as const

type FileForm = (typeof forms)[number]['form']

interface ExportProps {
  /** What is exported: "the entries". */
  what: string
  /** Of the call whose answer it is; files have all rows, not the page that is shown. */
  path: string
  query: Query
}

/** The whole of a table or list as a file. */
export function Export({ what, path, query }: ExportProps) {
  const fetching = useMutation({
    mutationFn: (form: FileForm) => fetchFile(address(`${path}.${form}`, query)),
    onSuccess: ({ content, name }, form) => save(content, name ?? `${path.split('/').at(-1)}.${form}`),
  })
  return (
    <Popover
      label={`Export ${what}`}
      align="end"
      className="w-60 p-1.5"
      button={
        fetching.isPending ? (
          <LoaderCircle aria-hidden className="size-4 animate-spin" />
        ) : (
          <DownloadIcon aria-hidden className="size-4" />
        )
      }
      buttonProps={{
        'aria-label': `Export ${what}`,
        title: `Export ${what}`,
        className:
          'inline-flex size-8 shrink-0 items-center justify-center rounded-lg text-ink-3 transition-colors hover:bg-sunken hover:text-ink aria-expanded:bg-sunken aria-expanded:text-ink',
      }}
    >
      {(close) => (
        <>
          {forms.map(({ form, label, hint }) => (
            <button
              key={form}
              type="button"
              disabled={fetching.isPending}
              onClick={() => fetching.mutate(form, { onSuccess: close })}
              className="flex w-full items-baseline justify-between gap-3 rounded-lg px-2.5 py-1.5 text-left hover:bg-sunken disabled:opacity-55"
            >
              <span className="font-medium">{label}</span>
              <span className="text-xs text-ink-3">{hint}</span>
            </button>
          ))}
          <p role="status" className="px-2.5 pt-1 pb-1 text-xs text-ink-3">
            {fetching.isPending ? 'Preparing the file …' : 'All rows, in the shop’s currency and time zone.'}
          </p>
          {fetching.isError && (
            <p role="alert" className="px-2.5 pb-1 text-xs text-bad">
              {sentenceOf(fetching.error)}
            </p>
          )}
        </>
      )}
    </Popover>
  )
}
