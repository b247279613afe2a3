import {Args} from '@oclif/core'
import {usageError} from '../errors.js'
import {command} from '../units/command.js'

/** The id of a recorded run. The integers of oclif throw an error that looks like a bug of this program. */
export const runIdArg = Args.custom<number>({
  required: true,
  parse: async (input) => {
    const id = /^\d+$/.test(input) ? Number(input) : 0
    if (id < 1 || !Number.isSafeInteger(id))
      throw usageError('NO_SUCH_RUN', `"${input}" is not the id of a run: ids are whole numbers from 1 on.`, [
        `List the runs: ${command('history')}`,
      ])
    return id
  },
})
