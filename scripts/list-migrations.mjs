// Adds new migrations of the package to the end of sql/migrations/checksums.txt, and fails where a listed one was edited.
import {writeFileSync} from 'node:fs'
import {checksumsFile, checksumsText, listedMigrations, withNewMigrations} from '../dist/schema/migrate/checksums.js'

writeFileSync(checksumsFile, checksumsText(withNewMigrations(listedMigrations())))
