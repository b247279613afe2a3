/** What a program of one's own can use; everything else of dist/ may change without notice. */
export {ExitCode, OpsError} from './errors.js'
export {withDatabase, type ConnectOptions, type Database, type Db, type Target, type TransactionSettings} from './db/database.js'
export type {EngineKind, Server} from './db/server.js'
export {sql, statement, type Statement, type Value} from './db/sql.js'
