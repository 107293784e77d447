import { useSyncExternalStore } from 'react'
import { session } from '../api/client.ts'
import type { SessionState } from '../api/session.ts'

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.state)
}
