import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, test } from 'vitest'
import type { Store } from '../src/api/shapes.ts'
import { arrivalOf, hasFigures } from '../src/overview/welcome.tsx'
import { changesIn } from '../src/stores/edit.tsx'
import { refusedIn } from '../src/stores/refused.ts'
import { scopeLabel, scopeWords } from '../src/stores/scopes.ts'
import {
  approvalAddress,
  countAttention,
  needsAttention,
  reconnectCall,
  statusLook,
} from '../src/stores/status.ts'
import { StoreState } from '../src/stores/store-state.tsx'
import { storeOf } from './example.ts'

const refused = (query: string) => refusedIn(new URLSearchParams(query), 'en')

describe('a refusal of Shopify', () => {
  test('none is told of', () => {
    expect(refused('store=1')).toBeNull()
  })
  test('each code has words, and what to do', () => {
    const codes = ['state', 'hmac', 'shop', 'stale', 'denied', 'exchange', 'scopes', 'taken', 'forbidden']
    const told = codes.map((code) => refused(`refused=${code}`))
    expect(new Set(told.map((each) => each?.title)).size).toBe(codes.length)
    for (const each of told) expect(each?.detail.length).toBeGreaterThan(40)
  })
  test('missing scopes are named', () => {
    const told = refused('refused=scopes&missing=read_orders,read_customers')
    expect(told?.detail).toContain('Orders and Customers')
    expect(told?.detail).toContain('read_orders, read_customers')
  })
  test('what is not a scope is not repeated', () => {
    expect(refused('refused=scopes&missing=<b>x</b>')?.detail).not.toContain('<b>')
  })
  test('a store of another account asks for its code', () => {
    expect(refused('refused=taken&shop=a.myshopify.com')).toMatchObject({ transfer: true, retry: false })
  })
  test('a code of a newer server, or of nobody, has a sentence too', () => {
    expect(refused('refused=constructor')?.title).toBe('The store could not be connected')
  })
})

describe('scopes in words', () => {
  test.each([
    ['read_orders', 'Orders'],
    ['write_products', 'Products (changing them)'],
    ['read_gift_cards', 'Gift cards'],
    ['read_customer_merge', 'Merged customers'],
    ['read_shopify_payments_disputes', 'Disputes of payments'],
    ['unauthenticated_read_checkouts', 'Checkouts'],
    ['odd', 'odd'],
  ])('%s', (scope, label) => {
    expect(scopeLabel(scope)).toBe(label)
  })
  test('in a sentence', () => {
    expect(scopeWords(['read_orders', 'read_customers', 'read_products'], 'en')).toBe(
      'Orders, Customers, and Products',
    )
  })
})

describe('a store’s connection', () => {
  const warned: Store = storeOf({ warnings: [{ code: 'x', title: 'Odd', detail: 'Look.' }] })
  test('needs attention when it has ended or has a warning', () => {
    const stores = [
      storeOf(),
      warned,
      storeOf({ status: 'uninstalled' }),
      storeOf({ status: 'needs_reconnect' }),
    ]
    expect(stores.map(needsAttention)).toEqual([false, true, true, true])
    expect(countAttention(stores)).toBe(3)
  })
  test('has a word', () => {
    expect(statusLook(storeOf({ status: 'needs_reconnect' })).word).toBe('Needs reconnecting')
  })
  test('uninstalled: says when its data goes, and owners can reconnect', () => {
    const gone = storeOf({
      status: 'uninstalled',
      uninstalled_at: '2026-11-20T12:00:00Z',
      erase_at: '2026-12-20T12:00:00Z',
    })
    const owner = renderToStaticMarkup(<StoreState store={gone} owner />)
    expect(owner).toContain('erased on')
    expect(owner).toContain('December')
    expect(owner).toContain('Reconnect')
    expect(renderToStaticMarkup(<StoreState store={gone} owner={false} />)).not.toContain('Reconnect')
  })
  test('warnings are said in words', () => {
    const html = renderToStaticMarkup(<StoreState store={warned} owner />)
    expect(html).toContain('Odd.')
    expect(html).toContain('Look.')
  })
  test('what asks to be connected again is said once, the gravest first', () => {
    const warning = (code: string) => ({ code, title: code, detail: `${code} detail` })
    const store = storeOf({
      status: 'needs_reconnect',
      warnings: [warning('duplicated'), warning('scopes_missing'), warning('token_refused')],
    })
    expect(reconnectCall(store)?.code).toBe('token_refused')
    const html = renderToStaticMarkup(<StoreState store={store} owner />)
    expect(html.match(/token_refused detail/g)).toHaveLength(1)
    expect(html).toContain('duplicated detail')
    expect(reconnectCall(storeOf({ warnings: [warning('duplicated')] }))).toBeNull()
    expect(reconnectCall(storeOf({ status: 'needs_reconnect' }))?.code).toBe('token_refused')
  })
  test('changing it leaves the secrets that were not entered', () => {
    const form = {
      name: ' A ',
      abandonment_window_minutes: '10',
      api_key: '',
      api_secret: ' s ',
      access_token: '',
    }
    expect(changesIn(form)).toEqual({ name: 'A', abandonment_window_minutes: 10, api_secret: 's' })
    expect(changesIn({ ...form, abandonment_window_minutes: '0' })).toBeNull()
  })
  test('missing scopes stand open, granted ones folded', () => {
    const short = storeOf({ granted_scopes: ['read_orders'], missing_scopes: ['read_customers'] })
    expect(renderToStaticMarkup(<StoreState store={short} owner />)).toContain('open=""')
    const full = storeOf({ granted_scopes: ['read_orders'] })
    expect(renderToStaticMarkup(<StoreState store={full} owner />)).not.toContain('open=""')
  })
  test('approval begins at the API, for the right app', () => {
    expect(approvalAddress('a.myshopify.com', { app: 'wholesale', transfer: 'x y' })).toBe(
      '/api/auth/shopify?shop=a.myshopify.com&app=wholesale&transfer=x+y',
    )
  })
})

test('first figures are an order, or money', () => {
  const none = { orders: 0, checkouts: 0, total_sales: '0.00' } as Parameters<typeof hasFigures>[0] & object
  expect(hasFigures(undefined)).toBe(false)
  expect(hasFigures(none)).toBe(false)
  expect(hasFigures({ ...none, checkouts: 1 })).toBe(false)
  expect(arrivalOf(storeOf(), [], { ...none, checkouts: 1 })).toBe('delivering')
  expect(hasFigures({ ...none, orders: 1 })).toBe(true)
  expect(hasFigures({ ...none, total_sales: '-3.00' })).toBe(true)
})

test('a store that was just connected: waits, delivers, counts', () => {
  const some = { orders: 1, checkouts: 0, total_sales: '9.00' } as Parameters<typeof hasFigures>[0]
  expect(arrivalOf(storeOf(), [], undefined)).toBe('waiting')
  expect(arrivalOf(storeOf(), ['2'], undefined)).toBe('waiting')
  expect(arrivalOf(storeOf(), ['1'], undefined)).toBe('delivering')
  expect(arrivalOf(storeOf(), [], some)).toBe('counting')
})
