import {repeatInCommands, type GivenFlags} from '../units/command.js'

/**
 * Makes printed commands repeat these flags as typed: the URL without its password, or omitted if the end of the
 * password is ambiguous. A URL that was given as another flag is printed without its password too.
 */
export async function repeatTyped({url, target, role, config}: GivenFlags): Promise<void> {
  repeatInCommands({
    url: await shownUrl(url),
    target: await shown(target),
    role: await shown(role),
    config: await shown(config),
  })
}

async function shown(value: string | undefined): Promise<string | undefined> {
  if (value === undefined || !value.includes('://')) return value
  const {redact} = await import('../db/redact.js')
  return redact(value)
}

async function shownUrl(url: string | undefined): Promise<string | undefined> {
  if (url === undefined) return undefined
  const {withoutPassword} = await import('../db/redact.js')
  return withoutPassword(url)
}
