import { expect, test } from 'vitest'
import { builtDigest, sourceDigest } from '../scripts/build-digest.mjs'

test('the committed build is made from these sources (else: npm run build)', () => {
  expect(builtDigest()).toBe(sourceDigest())
})
