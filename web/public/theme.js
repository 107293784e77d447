// Runs before the first paint, so that a dark page never flashes white. A file of its own: the page's
// policy allows no inline script.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('tillstream.theme')
  } catch {
    chosen = null
  }
  var dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
