import {Flags} from '@oclif/core'
import {BaseCommand} from '../cli/base-command.js'
import {diskFlags, diskOf, fastFlag} from '../cli/report-flags.js'
import {usageError} from '../errors.js'
import type {ReportDocument} from '../page/document.js'

export default class Report extends BaseCommand<typeof Report> {
  static override summary = 'Write findings, policies, chunks, growth, runs and queries as one page.'
  static override description =
    'Combines doctor, policies status, stats, jobs and further reports in one HTML file that needs no other ' +
    'file and no network, or in one JSON document. A section that cannot be read is replaced by the reason. ' +
    'Changes nothing and never waits for a lock.\n' +
    '--from renders a document that --json wrote, on any machine and without a database. The exit code does not ' +
    'depend on what the report finds.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --html report.html',
    '<%= config.bin %> <%= command.id %> --html report.html --disk 2TB',
    '<%= config.bin %> <%= command.id %> --json > report.json',
    '<%= config.bin %> <%= command.id %> --from report.json --html report.html',
  ]
  static override flags = {
    html: Flags.string({
      summary: 'Write the page to this file; - is stdout. An existing file is replaced.',
      helpValue: '<file>',
      helpGroup: 'OUTPUT',
    }),
    from: Flags.string({
      summary: 'Render this document of `report --json` instead of reading a database; "-" reads stdin.',
      helpValue: '<file>',
      exclusive: ['fast', 'disk', 'url', 'target'],
    }),
    ...diskFlags,
    ...fastFlag,
  }

  async run(): Promise<ReportDocument> {
    const {html: file, from} = this.flags
    if (file === undefined && !this.jsonEnabled())
      throw usageError('NO_OUTPUT', 'report writes a file or a document, and neither was requested.', [
        'A page: --html report.html',
        'The document that it is made from: --json',
      ])
    const document = from === undefined ? await this.read() : await this.parseDocument(from)
    if (file !== undefined) await this.write(document, file)
    return document
  }

  private async read(): Promise<ReportDocument> {
    const [{readDocument}, {sectionsOf}, {reportTarget}, {partitionRules}, {jobsOf}] = await Promise.all([
      import('../page/read-document.js'),
      import('../cli/policy-request.js'),
      import('../config/target.js'),
      import('../config/partitions.js'),
      import('../config/jobs.js'),
    ])
    const config = await this.loadConfig()
    const {lateAfter} = await this.limits()
    return this.withDatabase(async (db) => {
      const document = await readDocument(db, {
        sections: sectionsOf(config),
        partitions: (withDefinitions) => partitionRules(config, withDefinitions),
        jobs: jobsOf(config?.jobs ?? {}, config?.target),
        lateAfter,
        fast: this.flags.fast,
        disk: diskOf(this.flags),
      })
      return {...document, target: reportTarget(db)}
    })
  }

  private async parseDocument(file: string): Promise<ReportDocument> {
    const {parseDocument} = await import('../page/parse-document.js')
    return parseDocument(file)
  }

  private async write(document: ReportDocument, file: string): Promise<void> {
    const {writePage} = await import('../page/write-page.js')
    const written = await writePage(document, file, this.flags.from)
    if (written === null || this.quiet) return
    const {formatBytes} = await import('../units/bytes.js')
    this.report(`Wrote ${file} (${formatBytes(written)}).`)
  }
}
