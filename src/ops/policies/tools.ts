/** What a command that changes one policy needs, in one place to load. */
export {planAdHoc} from './ad-hoc.js'
export {requireKnown, requireSafe} from './proof/prove.js'
export {planReport} from './report.js'
export {readDeclared} from '../../reports/policies/read-declared.js'
