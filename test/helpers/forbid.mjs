// Loaded with --import. Ends the program as soon as a module named in FORBIDDEN is loaded, by import or by require.
// Which modules are loaded does not depend on the speed of the machine.
import module from 'node:module'

const forbidden = process.env.FORBIDDEN.split(',')
const hit = (specifier) =>
  forbidden.some(
    (name) => specifier === name || specifier.startsWith(`${name}/`) || specifier.includes(`/node_modules/${name}/`),
  )

const resolveFilename = module._resolveFilename
module._resolveFilename = function (request, ...rest) {
  if (hit(request)) throw new Error(`forbidden module ${request} was required`)
  return resolveFilename.call(this, request, ...rest)
}

function refuse(specifier, context, next) {
  if (hit(specifier)) throw new Error(`forbidden module ${specifier} was imported by ${context.parentURL}`)
  return next(specifier, context)
}

// register() is deprecated since Node 26 and warns there; registerHooks(), which replaces it, is not in Node 20.
if (module.registerHooks) module.registerHooks({resolve: refuse})
else {
  const hooks = `
    const forbidden = ${JSON.stringify(forbidden)}
    const hit = ${hit}
    export ${refuse.toString().replace('function refuse', 'async function resolve')}`
  module.register(`data:text/javascript,${encodeURIComponent(hooks)}`)
}
