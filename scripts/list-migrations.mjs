// Appends new migrations of the package to sql/migrations/checksums.txt, and fails if a listed one was edited.
import {writeFileSync} from 'node:fs'
import {checksumsFile, checksumsText, listedMigrations, withNewMigrations} from '../dist/schema/migrate/checksums.js'

writeFileSync(checksumsFile, checksumsText(withNewMigrations(listedMigrations())))
