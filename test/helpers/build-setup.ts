/** For tests that start no engine but load the commands from dist/. */
export {buildIfStale as default} from './build.js'
