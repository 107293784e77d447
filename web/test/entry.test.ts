import { assert, oneof, property, string, stringMatching, webUrl } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyOf } from '../src/api/client.ts'
import { leavesThePage, localPath, tokenIn } from '../src/session/next.ts'

const ORIGIN = 'https://figures.example'

describe('where to go after signing in', () => {
  test('paths of this page, with what they ask for', () => {
    expect(localPath('/stores', ORIGIN)).toBe('/stores')
    expect(localPath('/?store=4&range=last-7', ORIGIN)).toBe('/?store=4&range=last-7')
    expect(localPath('/settings/../stores', ORIGIN)).toBe('/stores')
  })
  test('the beginning of connecting a store, and no other call', () => {
    const path = '/api/auth/shopify?shop=ada-teas.myshopify.com'
    expect(localPath(path, ORIGIN)).toBe(path)
    expect(leavesThePage(path)).toBe(true)
    expect(localPath('/api/auth/install/wholesale?shop=a', ORIGIN)).toBe('/api/auth/install/wholesale?shop=a')
    expect(localPath('/api/auth/logout', ORIGIN)).toBe('/')
    expect(localPath('/api/auth/shopify-not', ORIGIN)).toBe('/')
    expect(localPath('/x/../api/auth/logout', ORIGIN)).toBe('/')
  })
  test.each([
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/\t/evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'stores',
    '/sign-in?next=/',
    '/ /evil',
    '',
  ])('never elsewhere: %j', (text) => {
    expect(localPath(text, ORIGIN)).toBe('/')
  })
  test('whatever the text, the answer is a path of this origin', () => {
    const tricky = stringMatching(/^[/\\.:@?#%\ta-z0-9]*$/)
    assert(
      property(oneof(tricky, string(), webUrl()), (text) => {
        const path = localPath(text, ORIGIN)
        expect(path.startsWith('/')).toBe(true)
        expect(new URL(path, ORIGIN).origin).toBe(ORIGIN)
      }),
      { numRuns: 300 },
    )
  })
})

test('the token of a message is behind the #', () => {
  expect(tokenIn('#token=a.b-c_d')).toBe('a.b-c_d')
  expect(tokenIn('#token=')).toBeNull()
  expect(tokenIn('')).toBeNull()
})

test.each([
  [new Response(null, { status: 204 }), undefined],
  [new Response('', { status: 202 }), undefined],
  [Response.json({ a: 1 }), { a: 1 }],
])('an answer without words is none', async (response, body) => {
  expect(await bodyOf(response)).toEqual(body)
})
