import type { Store } from '../src/api/shapes.ts'

/** A connected store in which nothing is out of the ordinary. */
export function storeOf(change: Partial<Store> = {}): Store {
  return {
    id: '1',
    domain: 'ada-teas.myshopify.com',
    name: '',
    currency: 'USD',
    timezone: 'UTC',
    abandonment_window_minutes: 10,
    has_api_secret: true,
    has_access_token: false,
    created_at: '2026-01-01T00:00:00Z',
    app: '',
    api_key: null,
    connected_by: 'oauth',
    proved: true,
    status: 'connected',
    granted_scopes: [],
    missing_scopes: [],
    warnings: [],
    installed_at: '2026-01-01T00:00:00Z',
    uninstalled_at: null,
    erase_at: null,
    ...change,
  }
}
