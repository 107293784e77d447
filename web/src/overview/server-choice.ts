import { useEffect } from 'react'
import { ProblemError } from '../api/problem.ts'
import { setSearch } from '../ui/location.tsx'

/** Where stores turn out not to add up after all, the server offers them one by one: take the first. */
export function useChosenByServer(error: Error | null): void {
  const choice = error instanceof ProblemError ? error.problem.choices?.[0]?.id : undefined
  useEffect(() => {
    if (choice) setSearch({ store: choice }, 'replace')
  }, [choice])
}
