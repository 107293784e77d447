/** Why connecting a store by Shopify came to nothing, in words, with what to do next. */

import { scopeWords } from './scopes.ts'

export interface Refused {
  readonly title: string
  readonly detail: string
  /** Whether asking Shopify once more can help. */
  readonly retry: boolean
  /** Whether a code from the account that has the store would help. */
  readonly transfer: boolean
}

const again = { retry: true, transfer: false }
const words: Record<string, Refused> = {
  state: {
    title: 'The answer from Shopify did not belong to a question of this browser',
    detail:
      'It took longer than ten minutes, was opened in another browser, or was used before. Nothing was connected. Start again from here.',
    ...again,
  },
  hmac: {
    title: 'The answer was not signed by Shopify',
    detail:
      'Its signature does not fit this server’s app secret, so it was refused. Check that the secret set here is the one of the app in Shopify’s Dev Dashboard.',
    ...again,
  },
  shop: {
    title: 'That is not a Shopify store’s domain',
    detail: 'Use the permanent one, which ends in myshopify.com: Shopify admin → Settings → Domains.',
    ...again,
  },
  stale: {
    title: 'The answer from Shopify was too old',
    detail: 'Start again from here. If it happens each time, the clock of this server is wrong.',
    ...again,
  },
  denied: {
    title: 'The app was not approved in Shopify',
    detail: 'Nothing was connected and nothing was changed. You can start again whenever you like.',
    ...again,
  },
  exchange: {
    title: 'Shopify did not hand out access',
    detail:
      'It refused, or could not be reached, in the last step. Try again in a minute; if it stays so, the app’s client id and secret do not belong together.',
    ...again,
  },
  taken: {
    title: 'This store is connected to another Tillstream account',
    detail:
      'Its owner can hand it over: in that account, under Stores, “Transfer to another account” gives a code. Enter it here.',
    retry: false,
    transfer: true,
  },
  forbidden: {
    title: 'Only owners can connect stores',
    detail: 'Ask an owner of this account to connect it, or to make you an owner.',
    retry: false,
    transfer: false,
  },
  app: {
    title: 'This server has no Shopify app to connect with',
    detail:
      'Whoever runs it sets SHOPIFY_API_KEY and SHOPIFY_API_SECRET. Until then, connect with a custom app of the store’s own.',
    retry: false,
    transfer: false,
  },
  transfer: {
    title: 'The transfer code is not valid',
    detail: 'It was used, has expired, or belongs to another store. Ask the store’s owner for a new one.',
    retry: false,
    transfer: true,
  },
}

/** Null when the address tells of no refusal. */
export function refusedIn(search: URLSearchParams, locale: string): Refused | null {
  const code = search.get('refused')
  if (!code) return null
  if (code === 'scopes') return shortOfScopes(search.get('missing') ?? '', locale)
  return (
    (Object.hasOwn(words, code) ? words[code] : undefined) ?? {
      title: 'The store could not be connected',
      detail: 'Try again. If it stays so, the server’s log says why.',
      ...again,
    }
  )
}

function shortOfScopes(missing: string, locale: string): Refused {
  const scopes = missing.split(',').filter((scope) => /^[a-z_]+$/.test(scope))
  const named = scopes.length > 0 ? ` What is missing: ${scopeWords(scopes, locale)}.` : ''
  return {
    title: 'The app may not read what the figures need',
    detail: `The store’s approval is narrower than it has to be.${named} Approve again; if Shopify does not offer it, add ${
      scopes.length > 0 ? scopes.join(', ') : 'the scopes'
    } to the app’s configuration first.`,
    ...again,
  }
}
