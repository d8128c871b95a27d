/** The services that this browser used last: kept in it alone, shown on the front page. */
const KEY = 'used'
const MOST = 4

function kept(): string[] {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

/** Notes that a page of a service was opened, the last one first. */
export function note(slug: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([slug, ...kept().filter((one) => one !== slug)].slice(0, MOST)))
  } catch {
    // A browser that keeps nothing shows nothing.
  }
}

/** Fills the front page's list with those that the city still has. */
export function showUsed(section: HTMLElement): void {
  const cards = kept().map((slug) => document.querySelector<HTMLElement>(`.need-card[data-service="${CSS.escape(slug)}"]`))
  const rows = cards.filter((card) => card !== null).map((card) => {
    const item = document.createElement('li')
    const link = Object.assign(document.createElement('a'), { className: 'button button-quiet', href: card.dataset.home, textContent: card.dataset.name })
    const icon = card.querySelector('h3 .icon')
    if (icon) link.prepend(icon.cloneNode(true))
    item.append(link)
    return item
  })
  section.querySelector('[data-used-list]')!.replaceChildren(...rows)
  section.hidden = rows.length === 0
}
