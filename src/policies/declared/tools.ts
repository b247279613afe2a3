/** Everything that a command that changes one policy loads. */
export {planAdHoc} from './ad-hoc.js'
export {requireKnown, requireSafe} from '../checks/run-checks.js'
export {planReport} from '../plan/report.js'
export {readDeclared} from './read-declared.js'
