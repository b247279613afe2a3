/** The definitions shipped with the program. Only this module connects the general tool with QiCore's application. */
export {qicore} from '../qicore/definition.js'
