declare module 'pgpass' {
  /** Reads PGPASSFILE, or ~/.pgpass. */
  export default function pgpass(
    wanted: {host: string; port: number; database: string; user: string},
    done: (password: string | undefined) => void,
  ): void
}
