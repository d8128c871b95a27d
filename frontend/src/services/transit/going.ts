/** A form that asks for nothing but a place goes there as soon as one is chosen, without a further press. */
export function startGo(form: HTMLFormElement): void {
  if (form.dataset.awake) return
  form.dataset.awake = '1'
  form.addEventListener('place', () => form.requestSubmit())
}
