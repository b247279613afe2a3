import type {Table} from '../catalog/table.js'
import type {Finding, Fix} from './finding.js'

export function objectOf({schema, name}: Pick<Table, 'schema' | 'name'>): Finding['object'] {
  return {schema, table: name}
}

/** What holds the rows of a table. */
export function partNoun({kind}: Pick<Table, 'kind'>): 'partition' | 'chunk' {
  return kind === 'partitioned' ? 'partition' : 'chunk'
}

export function sqlFix(text: string): Fix {
  return {kind: 'sql', text}
}

export function commandFix(text: string): Fix {
  return {kind: 'command', text}
}

export function advice(text: string): Fix {
  return {kind: 'advice', text}
}

/** Each relation that holds rows of a table, and the table's own relation: parameters that roll up to the table. */
export function rollUp(tables: readonly Table[]): {relations: number[]; roots: number[]} {
  const relations: number[] = []
  const roots: number[] = []
  for (const {relation: root, chunks} of tables) {
    const parts = chunks
      .filter(({tiered}) => !tiered)
      .flatMap(({relation, compressed}) => (compressed === null ? [relation] : [relation, compressed]))
    for (const relation of [root, ...parts]) {
      relations.push(relation)
      roots.push(root)
    }
  }
  return {relations, roots}
}
