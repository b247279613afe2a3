import {formatQualifiedName} from '../db/qualified-name.js'
import {binary} from '../units/command.js'
import type {Finding, Fix} from './finding.js'

/** Findings that have the same fix, which a reader needs once. */
export interface FindingGroup {
  /** If the findings of a group differ only in their table, it has `<table>` instead. */
  fix: Fix
  /** Each message once, with the objects that it is about. */
  items: readonly {objects: readonly NonNullable<Finding['object']>[]; message: string}[]
}

/** Groups the findings of one check by their fix, in the order of the first of each group. */
export function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  return grouped(findings, (finding) => JSON.stringify(withoutName(finding))).map((same) => {
    const {fix} = same[0]!
    const differ = same.some((other) => other.fix.text !== fix.text)
    return {
      fix: differ ? withoutName(same[0]!) : fix,
      items: grouped(same, ({message}) => message).map((alike) => ({
        message: alike[0]!.message,
        objects: alike.flatMap(({object}) => (object === null ? [] : [object])),
      })),
    }
  })
}

/** SQL and commands are copied and run, so only advice may name a table by a placeholder. */
function withoutName({object, fix}: Finding): Fix {
  if (object === null || fix.kind !== 'advice' || fix.text.includes(`${binary} `)) return fix
  const name = formatQualifiedName(object.schema, object.table).replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)
  return {...fix, text: fix.text.replace(new RegExp(`(?<![\\w.])${name}(?!\\w|\\.\\w)`, 'g'), '<table>')}
}

function grouped<T>(items: readonly T[], textOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(textOf(item))
    if (group === undefined) groups.set(textOf(item), [item])
    else group.push(item)
  }
  return [...groups.values()]
}
