import type pg from 'pg'

/** COPY … FROM STDIN of one text with a plain client; returns the number of rows. */
export function copyFrom(client: pg.ClientBase, command: string, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let rows = 0
    // The methods that node-postgres calls on a custom query.
    const copy = {
      submit: (connection: Connection): void => void connection.query(command),
      handleCopyInResponse: (connection: Connection) => {
        connection.sendCopyFromChunk(Buffer.from(text))
        connection.endCopyFrom()
      },
      handleCommandComplete: ({text: done}: {text: string}) => (rows = Number(done.split(' ')[1])),
      handleError: reject,
      handleReadyForQuery: () => resolve(rows),
      handleRowDescription: () => {},
      handleDataRow: () => {},
      handlePortalSuspended: () => {},
      handleEmptyQuery: () => {},
    }
    client.query(copy as unknown as pg.Submittable)
  })
}

interface Connection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}
