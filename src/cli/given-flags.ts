import {repeatInCommands, type GivenFlags} from '../units/command.js'

/**
 * Makes printed commands repeat these flags as typed: the URL without its password, or omitted if the end of the
 * password is ambiguous.
 */
export async function repeatTyped({url, target, role, config}: GivenFlags): Promise<void> {
  repeatInCommands({url: await shownUrl(url), target, role, config})
}

async function shownUrl(url: string | undefined): Promise<string | undefined> {
  if (url === undefined) return undefined
  const {withoutPassword} = await import('../db/redact.js')
  return withoutPassword(url)
}
