export type Theme = 'light' | 'dark'

const KEY = 'theme'
let chosenHere: string | null = null

/** What was chosen; a browser whose storage is switched off knows it for as long as the page is open. */
function choice(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return chosenHere
  }
}

function choose(theme: Theme): void {
  chosenHere = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // It is kept for this page.
  }
}

/** What is shown now: the reader's choice, else what the device asks for. */
export function theme(): Theme {
  const root = document.documentElement
  // A board's screen has nobody to choose, and keeps what its address says.
  if ('themeFixed' in root.dataset) return root.dataset.theme === 'light' ? 'light' : 'dark'
  const chosen = choice()
  if (chosen === 'light' || chosen === 'dark') return chosen
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

function show(): void {
  document.documentElement.dataset.theme = theme()
  document.querySelectorAll('[data-theme-switch]').forEach((button) => {
    button.setAttribute('aria-pressed', String(theme() === 'dark'))
  })
  document.dispatchEvent(new CustomEvent('theme', { detail: theme() }))
}

/** Shows the page light, as paper is, until what it gives is called. */
export function lighten(): () => void {
  const { dataset } = document.documentElement
  dataset.themeFixed = ''
  dataset.theme = 'light'
  show()
  return () => {
    delete dataset.themeFixed
    show()
  }
}

/** Keeps the page in the reader's theme and wakes the switches. */
export function startTheme(): void {
  show()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show)
  document.querySelectorAll('[data-theme-switch]').forEach((button) => {
    button.addEventListener('click', () => {
      choose(theme() === 'dark' ? 'light' : 'dark')
      show()
    })
  })
}
