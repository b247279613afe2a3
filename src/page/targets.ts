import {plural} from '../units/plural.js'
import {html} from './markup.js'
import {frame} from './page.js'

/** A target of a daemon with its state. */
export interface TargetState {
  target: string
  ready: boolean
  /** Why it is not ready; null if it is. */
  reason: string | null
}

/** The first page of a daemon with several targets: those that are not ready come first. */
export async function renderTargets(targets: readonly TargetState[]): Promise<string> {
  const sorted = [...targets].sort((a, b) => Number(a.ready) - Number(b.ready))
  const ready = targets.filter((target) => target.ready).length
  return frame(
    'Targets',
    true,
    null,
    html`<header><h1>${plural(targets.length, 'target')}</h1><p class="sub">${ready} ready</p></header>
<main id="content">
<table>
<thead><tr><th scope="col">target</th><th scope="col">state</th><th scope="col">reason</th></tr></thead>
<tbody>${sorted.map(
      ({target, ready, reason}) =>
        html`<tr><th scope="row"><a href="targets/${encodeURIComponent(target)}/">${target}</a></th><td>${ready ? 'ready' : 'not ready'}</td><td>${reason ?? ''}</td></tr>`,
    )}</tbody>
</table>
</main>`,
  )
}
