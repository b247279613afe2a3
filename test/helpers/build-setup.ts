/** Before the tests that start no engine, and still load the commands from dist/. */
export {buildIfStale as default} from './build.js'
