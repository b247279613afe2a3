/** One or more environment variables that the program reads, for the help and the documentation. */
export interface EnvironmentVariables {
  names: readonly string[]
  meaning: string
  /** The flag that overrides it. */
  flag: string | null
  /** The setting of the configuration that it overrides. */
  setting: string | null
}

/** Variables of this program: they override the configuration, and flags override them. */
export const qicoreVariables = {
  url: 'QICORE_DB_URL',
  target: 'QICORE_TARGET',
  role: 'QICORE_ROLE',
  lockTimeout: 'QICORE_LOCK_TIMEOUT',
} as const

/** Every variable that the code reads; a test compares the two. */
export const environmentVariables: readonly EnvironmentVariables[] = [
  {
    names: [qicoreVariables.url],
    meaning: 'the database: `postgres://role@host:5432/database` or `embedded:<directory>`',
    flag: '--url',
    setting: 'default',
  },
  {
    names: [qicoreVariables.target],
    meaning: 'a target of the configuration, by name; not together with `QICORE_DB_URL`',
    flag: '--target',
    setting: 'default',
  },
  {
    names: [qicoreVariables.role],
    meaning: 'role for changes (`SET ROLE`), which then owns what they create',
    flag: '--role',
    setting: 'targets.<name>.role',
  },
  {
    names: [qicoreVariables.lockTimeout],
    meaning:
      'how long a step waits for a lock, such as `5s`; a step that takes ACCESS EXCLUSIVE waits at most ' +
      '`exclusiveLockTimeout`',
    flag: '--lock-timeout',
    setting: 'limits.lockTimeout',
  },
  {
    names: ['QICORE_DAEMON_TOKEN'],
    meaning: "the token for the daemon's page; at least 16 characters",
    flag: '--token-file',
    setting: null,
  },
  {
    names: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'],
    meaning: "exports to `s3://`: credentials, in the order of AWS's own tools, including roles of machines and pods",
    flag: null,
    setting: null,
  },
  {
    names: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_DEFAULT_REGION'],
    meaning: 'exports to `s3://`: the URL of a store other than AWS, and the region',
    flag: null,
    setting: 'tables.<name>.retention.archive.export',
  },
  {
    names: ['DATABASE_URL'],
    meaning:
      'as `QICORE_DB_URL`, which takes precedence; if the configuration has targets, commands that change ' +
      'something refuse it',
    flag: null,
    setting: null,
  },
  {
    names: [
      ...['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGSERVICE', 'PGSERVICEFILE', 'PGSYSCONFDIR'],
      ...['PGPASSWORD', 'PGPASSFILE', 'PGSSLMODE', 'PGSSLROOTCERT', 'PGSSLCERT', 'PGSSLKEY', 'PGSSLNEGOTIATION'],
      ...['PGCONNECT_TIMEOUT', 'PGOPTIONS', 'PGTARGETSESSIONATTRS', 'PGLOADBALANCEHOSTS'],
    ],
    meaning: 'as in libpq',
    flag: null,
    setting: null,
  },
  {
    names: ['COLUMNS'],
    meaning: 'width of tables, also if the output is not a terminal; without it, such output has its full width',
    flag: null,
    setting: null,
  },
  {
    names: ['NO_COLOR', 'FORCE_COLOR', 'TERM'],
    meaning: 'no colours; colours also in a pipe; `dumb`: no colours, and no line is redrawn',
    flag: null,
    setting: null,
  },
  {
    names: ['XDG_CACHE_HOME'],
    meaning: 'directory of the cached table names for shell completion; default: `~/.cache`',
    flag: null,
    setting: null,
  },
  {
    names: ['HOME', 'PATH', 'npm_command'],
    meaning:
      "the directory of libpq's files; on a terminal, whether suggested commands begin with `qicore-db`, with " +
      '`npx qicore-db` or with the path of the program',
    flag: null,
    setting: null,
  },
]
