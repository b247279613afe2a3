# syntax=docker/dockerfile:1
# The command line and the daemon, without a compiler and without the embedded engine. Does not run as root.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json .npmrc ./
COPY scripts ./scripts
COPY src ./src
# `npm ci` also installs optional packages, because the compiler's binary is one, and builds dist/. Then everything that is
# not needed at run time is removed.
RUN npm ci && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# Nothing is installed here: the time zones come with Node's ICU.
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json oclif.manifest.json ./
COPY bin/run.js ./bin/run.js
COPY sql ./sql
COPY assets ./assets
# Errors name the page of the documentation that helps.
COPY docs ./docs
RUN ln -s /app/bin/run.js /usr/local/bin/qicore-db && mkdir /config
# An unprivileged user of the base image. The root filesystem may be read-only.
USER node
WORKDIR /config
EXPOSE 9847
# The daemon is process 1 and handles signals itself, so no shell and no init is needed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9847/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["qicore-db"]
CMD ["daemon", "--listen", "0.0.0.0:9847"]
