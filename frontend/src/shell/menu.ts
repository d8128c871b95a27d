/** The menu of whoever reads closes as menus do: by a press elsewhere, by Escape, and when the focus leaves it. */
export function startMenu(menu: HTMLDetailsElement): void {
  const close = (): void => menu.removeAttribute('open')
  document.addEventListener('pointerdown', (event) => {
    if (menu.open && !menu.contains(event.target as Node)) close()
  })
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return
    close()
    menu.querySelector('summary')!.focus()
  })
  menu.addEventListener('focusout', (event) => {
    const next = event.relatedTarget as Node | null
    if (next && !menu.contains(next)) close()
  })
}
