/** What a command that changes one policy needs, in one place to load. */
export {planAdHoc} from './ad-hoc.js'
export {requireKnown, requireSafe} from './checks/run-checks.js'
export {planReport} from './plan-report.js'
export {readDeclared} from './read-declared.js'
