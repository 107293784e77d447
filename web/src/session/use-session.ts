import { useSyncExternalStore } from 'react'
import { session } from '../api/client.ts'
import type { SessionState } from '../api/session.ts'

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.state, session.state)
}

/** Whether whoever is signed in may change what belongs to the account. The server asks again anyway. */
export function useOwner(): boolean {
  const state = useSession()
  return state.status === 'signed-in' && state.session.user.role === 'owner'
}
