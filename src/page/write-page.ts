import {rename, rm, writeFile} from 'node:fs/promises'
import {messageOf, usageError} from '../errors.js'
import type {ReportDocument} from './document.js'
import {renderPage} from './page.js'
import {badReport} from './parse-document.js'

/**
 * Renders the page and writes it under another name first, so that a reader never finds half a page.
 * @param file `-` is stdout
 * @param from the file of the document; undefined if it was read from a database
 * @returns the size in bytes; null for stdout
 * @throws OpsError CANNOT_WRITE, BAD_REPORT
 */
export async function writePage(
  document: ReportDocument,
  file: string,
  from: string | undefined,
): Promise<number | null> {
  const page = await rendered(document, from)
  if (file === '-') {
    process.stdout.write(page)
    return null
  }
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await writeFile(temporary, page)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, {force: true})
    throw usageError('CANNOT_WRITE', `${file} cannot be written: ${messageOf(error)}.`)
  }
  return Buffer.byteLength(page)
}

/** A document from a file may lack what this version of the program reads. */
async function rendered(document: ReportDocument, from: string | undefined): Promise<string> {
  try {
    return await renderPage(document)
  } catch (error) {
    if (from !== undefined && error instanceof TypeError) throw badReport(from, messageOf(error))
    throw error
  }
}
