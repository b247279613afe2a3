import {repeatInCommands, type GivenFlags} from '../units/command.js'

/**
 * From now on printed commands repeat these flags, as they were typed: the URL without its password, and not at all
 * where
 * the end of the password is not known.
 */
export async function repeatTyped({url, target, role, config}: GivenFlags): Promise<void> {
  repeatInCommands({url: await shownUrl(url), target, role, config})
}

async function shownUrl(url: string | undefined): Promise<string | undefined> {
  if (url === undefined) return undefined
  const {withoutPassword} = await import('../db/redact.js')
  return withoutPassword(url)
}
