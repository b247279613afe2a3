/** The tables that the program brings along: the one door from the general tool to QiCore's own application. */
export {qicore} from '../qicore/definition.js'
