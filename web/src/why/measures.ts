import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import type { MeasureInfo } from '../api/shapes.ts'

const none: readonly MeasureInfo[] = []

/** The registry as the server has it: definitions belong to the code that counts. */
export function useMeasures(): readonly MeasureInfo[] {
  const { data } = useQuery({ queryKey: ['measures'], queryFn: ({ signal }) => api.measures(signal) })
  return data ?? none
}
