import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds the API: a running Tillstream, such as `tillstream demo`. */
const api = process.env.TILLSTREAM_API ?? 'http://127.0.0.1:8787'

export default defineConfig({
  plugins: [react(), tailwindcss()],
  server: { host: '127.0.0.1', port: 5173, proxy: { '/api': api } },
  build: {
    outDir: '../src/tillstream/serve/static',
    emptyOutDir: true,
    sourcemap: false,
    // The page's policy forbids `data:` scripts and fonts, and hashed files cache for ever anyway.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 420,
  },
})
