/** Files dragged onto the page or chosen: sent with a bar that moves, refusals shown where they are read. */
export function startBring(root: HTMLElement): void {
  root.querySelectorAll<HTMLFormElement>('[data-drop]').forEach((form) => wake(root, form))
}

function wake(root: HTMLElement, form: HTMLFormElement): void {
  const input = form.querySelector<HTMLInputElement>('[type=file]')!
  const zone = form.querySelector<HTMLElement>('[data-drop-zone]')
  if (zone) {
    root.addEventListener('dragover', (event) => {
      event.preventDefault()
      zone.classList.add('drop-over')
    })
    root.addEventListener('dragleave', () => zone.classList.remove('drop-over'))
    root.addEventListener('drop', (event) => {
      event.preventDefault()
      zone.classList.remove('drop-over')
      if (!event.dataTransfer?.files.length) return
      input.files = event.dataTransfer.files
      send(form)
    })
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    send(form)
  })
}

/** By XMLHttpRequest: fetch does not tell how much of a body is sent. */
function send(form: HTMLFormElement): void {
  const bar = form.querySelector<HTMLProgressElement>('[data-upload-bar]')!
  const problem = form.querySelector<HTMLElement>('[data-problem]')!
  const request = new XMLHttpRequest()
  problem.hidden = true
  bar.hidden = false
  request.upload.addEventListener('progress', (event) => (bar.value = (100 * event.loaded) / Math.max(1, event.total)))
  request.addEventListener('loadend', () => {
    bar.hidden = true
    let body: Record<string, string> = {}
    try {
      body = JSON.parse(request.responseText) as Record<string, string>
    } catch {
      // The server's answer was no JSON: what its status line says must do.
    }
    if (request.status === 200 && body.url) return location.assign(body.url)
    problem.textContent = [body.message ?? request.statusText, body.mend].filter(Boolean).join(' ') || '×'
    problem.hidden = false
  })
  request.open('POST', form.action)
  request.setRequestHeader('Accept', 'application/json')
  request.send(new FormData(form))
}
