declare module 'fs-native-extensions' {
  const extensions: {
    /** False if another file descriptor holds the lock. */
    tryLock(fd: number): boolean
    unlock(fd: number): void
  }
  export default extensions
}
