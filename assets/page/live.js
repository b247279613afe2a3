'use strict'
// Replaces the content every 15 seconds, except while someone selects text, has a row of the chunk map in focus or has
// unfolded something. If the daemon does not answer, the page says so and keeps the last content.
;(() => {
  const pause = 15_000
  const live = document.getElementById('live')
  const busy = () =>
    document.hidden ||
    String(document.getSelection()) !== '' ||
    live.querySelector('details[open]') !== null ||
    live.querySelector('.cells:focus') !== null

  function notAnswering() {
    if (document.getElementById('gone')) return
    const line = document.createElement('p')
    line.id = 'gone'
    line.className = 'error'
    line.setAttribute('role', 'status')
    line.textContent = 'The daemon does not answer: this page shows the last state that it sent.'
    live.before(line)
  }

  async function renew() {
    if (busy()) return
    try {
      const answer = await fetch(location.pathname, {cache: 'no-store'})
      // 503 is a page too: it says why there is no report.
      if (!answer.ok && answer.status !== 503) throw new Error(String(answer.status))
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      const next = page.getElementById('live')
      if (next === null) throw new Error('no content')
      live.replaceChildren(...next.childNodes)
      document.getElementById('gone')?.remove()
    } catch {
      notAnswering()
    }
  }
  setInterval(renew, pause)
})()
