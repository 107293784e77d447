import { defineConfig } from 'vitest/config'

/** Properties are tried hundreds of times, and on a machine that does much else. */
const SLOWEST_MS = 30_000

export default defineConfig({
  test: { include: ['test/**/*.test.{ts,tsx}'], environment: 'node', testTimeout: SLOWEST_MS },
})
