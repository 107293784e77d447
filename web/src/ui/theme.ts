import { useSyncExternalStore } from 'react'

/** Light or dark: the system's choice until one is made here; `public/theme.js` applies it before paint. */
export type Theme = 'light' | 'dark'

const KEY = 'tillstream.theme'
const listeners = new Set<() => void>()

function current(): Theme {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light'
}

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme
  for (const listener of listeners) listener()
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
  if (!localStorage.getItem(KEY)) apply(event.matches ? 'dark' : 'light')
})

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme)
  apply(theme)
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, current)
}
