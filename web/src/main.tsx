import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { session } from './api/client.ts'
import { ProblemError } from './api/problem.ts'
import { App } from './app.tsx'
import './styles.css'

/** One, soon: a longer silence would look like loading, and the next change asks again anyway. */
const MAX_RETRIES = 1
const RETRY_MS = 500

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The live stream says when something changed; time alone makes nothing stale.
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      // A refusal (4xx) stays one however often it is asked; a hiccup may pass.
      retryDelay: RETRY_MS,
      retry: (failures, error) =>
        failures < MAX_RETRIES &&
        (!(error instanceof ProblemError) || error.status === 0 || error.status >= 500),
    },
  },
})

// Nothing of one account may be seen in the next one, be it on the same machine or of the same person.
function forgetAnswers(): void {
  // An invitation belongs to no account yet, and its page is still up while it is being accepted.
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'invitation' })
}

let tenant: string | null = null
session.subscribe(() => {
  const state = session.state()
  const next = state.status === 'signed-in' ? state.session.tenant.id : null
  if (state.status === 'signed-out' || (next && tenant && next !== tenant)) forgetAnswers()
  if (next) tenant = next
})
void session.restore()

const root = document.getElementById('root')
if (!root) throw new Error('The page has no root.')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
)
