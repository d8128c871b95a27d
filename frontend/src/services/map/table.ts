/** The table behind a layer, one key away: the same view for who reads rows. */
import { asked, type LayerSpec, type Shown, type Words } from './spec'

export class LayerTable {
  private dialog: HTMLDialogElement
  private body: HTMLElement

  constructor(
    root: HTMLElement,
    private words: Words,
    private go: (place: [number, number]) => void,
  ) {
    this.dialog = root.querySelector<HTMLDialogElement>('[data-table-dialog]')!
    this.body = this.dialog.querySelector<HTMLElement>('[data-table-body]')!
    this.dialog.querySelector('[data-close]')!.addEventListener('click', () => this.dialog.close())
    this.body.addEventListener('click', (event) => {
      const button = (event.target as HTMLElement).closest<HTMLElement>('[data-go], [data-more]')
      if (button?.dataset.more) void this.more(button.dataset.more)
      if (!button?.dataset.go) return
      this.dialog.close()
      this.go(button.dataset.go.split(',').map(Number) as [number, number])
    })
  }

  async open(spec: LayerSpec, shown: Shown | undefined, bbox: string): Promise<void> {
    this.dialog.querySelector('[data-table-title]')!.textContent = spec.name
    this.body.textContent = this.words.reading ?? ''
    if (!this.dialog.open) this.dialog.showModal()
    this.body.innerHTML = await this.rows(asked(spec.table, shown, { bbox }))
    this.dialog.dataset.ready = spec.id
  }

  private async rows(address: string): Promise<string> {
    try {
      const answer = await fetch(address, { headers: { Accept: 'text/html' } })
      return answer.ok ? await answer.text() : `<p>${this.words.failed ?? ''}</p>`
    } catch {
      return `<p>${this.words.failed ?? ''}</p>`
    }
  }

  private async more(address: string): Promise<void> {
    // Rows are only rows inside a table: the parser would drop them elsewhere.
    const holder = document.createElement('template')
    holder.innerHTML = `<table><tbody>${await this.rows(address)}</tbody></table>`
    const rows = [...holder.content.querySelectorAll('tr')]
    this.body.querySelector('[data-rows]')?.append(...rows)
    this.body.querySelector('[data-next]')?.remove()
    const next = holder.content.querySelector('[data-next]')
    if (next) this.body.append(next)
    rows[0]?.querySelector<HTMLElement>('a, button')?.focus()
  }
}
