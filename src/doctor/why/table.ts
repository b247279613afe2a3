import type {ReportTable} from '../../units/report-table.js'
import type {Evidence} from './explanation.js'

/** What is known of one policy or job, as programs read it; people read the sentences below each other. */
export interface EvidenceRow extends Evidence {
  about: string
}

export const evidenceTable: ReportTable<EvidenceRow> = {
  columns: [
    {id: 'about', heading: 'ABOUT', type: 'text', show: 'data', value: ({about}) => about},
    {id: 'topic', heading: 'TOPIC', type: 'text', show: 'data', value: ({topic}) => topic},
    {id: 'message', heading: 'MESSAGE', type: 'text', show: 'data', value: ({message}) => message},
  ],
}
